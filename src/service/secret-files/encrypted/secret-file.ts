import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CoffreError } from '../../../model/errors.ts'
import { applyEdits } from '../change/change.ts'
import { readPlace, refuseReadOnly, textOf } from '../change/file-place.ts'
import { naming, refused } from '../change/folder.ts'
import type { Workspace } from '../change/workspace.ts'
import { readDotenv } from '../file/dotenv-text.ts'
import { readToml } from '../file/toml-text.ts'
import { toTarget } from '../project.ts'
import { recordUse } from '../watch/record-use.ts'
import { lookAtProject, type SecretFilesParts, withProject } from '../with-project.ts'
import {
  encryptText,
  openText,
  requireEncryptable,
  sealText,
  type SecretText,
  slotKinds,
} from './encrypted-text.ts'
import type { FileKeyHolder } from './file-key.ts'

const SUFFIX = '.enc'
/** The file is made to be committed, and its values are closed to everybody. */
const FOR_EVERYBODY = 0o644

/** How the encrypted file of these can be opened: `passphrase`, `key`. */
export function readSlotKinds(folder: string, path: string): Promise<readonly string[]> {
  return lookAtProject(folder, async ({ workspace }) => slotKinds((await readText(workspace, path)).text))
}

/** `path` encrypted into `path.enc`. A value that did not change there keeps its bytes. */
export function encryptSecretFile(
  parts: SecretFilesParts,
  path: string,
  holder: FileKeyHolder,
): Promise<string> {
  return withProject(parts, async ({ workspace }) => {
    const input = await readText(workspace, path)
    const target = path + SUFFIX
    const place = await workspace.place(target)
    const found = await readPlace(place)
    const sealed =
      found === undefined
        ? await encryptText(input, holder)
        : sealText(input, await openText({ ...input, text: textOf(place, found.bytes) }, holder))
    await replaceFile(workspace, target, sealed)
    return target
  })
}

/** The file that `encryptSecretFile` would write, and whether it is there. Refuses what that would refuse without a key. */
export function planEncryption(
  folder: string,
  path: string,
): Promise<{ readonly file: string; readonly isThere: boolean }> {
  return lookAtProject(folder, async ({ workspace }) => {
    const input = await readText(workspace, path)
    requireEncryptable(input)
    const file = path + SUFFIX
    const place = await workspace.find(file)
    const found = place === undefined ? undefined : await readPlace(place)
    if (found !== undefined) refuseReadOnly(file, found)
    return { file, isThere: found !== undefined }
  })
}

/** The text of an encrypted file. */
export function decryptSecretFile(folder: string, path: string, holder: FileKeyHolder): Promise<string> {
  return lookAtProject(folder, async ({ workspace }) => {
    const { text } = await openText(await readText(workspace, path), holder)
    await recordUse(workspace, { use: 'decrypt', files: [path] })
    return text
  })
}

/** Refuses what `editSecretFile` would refuse before it shows anything. */
export function planEdit(folder: string, path: string, holder: FileKeyHolder): Promise<void> {
  return lookAtProject(folder, async ({ workspace }) => {
    await openText(await readText(workspace, path), holder)
  })
}

export interface SecretDifference {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** What encrypting the file beside it would change, by name. */
export function diffSecretFile(
  folder: string,
  path: string,
  holder: FileKeyHolder,
): Promise<SecretDifference> {
  return lookAtProject(folder, async ({ workspace }) => {
    const encrypted = await readText(workspace, path)
    const before = valuesOf({ ...encrypted, text: (await openText(encrypted, holder)).text })
    const after = valuesOf(await readText(workspace, path.slice(0, -SUFFIX.length)))
    await recordUse(workspace, { use: 'diff', files: [path, path.slice(0, -SUFFIX.length)] })
    const names = (from: ReadonlyMap<string, string>, keep: (name: string) => boolean) =>
      [...from.keys()].filter(keep)
    return {
      added: names(after, (name) => !before.has(name)),
      removed: names(before, (name) => !after.has(name)),
      changed: names(after, (name) => before.has(name) && before.get(name) !== after.get(name)),
    }
  })
}

/** Opens the file for `change`, which edits a private copy, and encrypts what changed. Answers whether anything did. */
export function editSecretFile(
  parts: SecretFilesParts,
  request: { readonly path: string; readonly change: (copy: string) => Promise<void> },
  holder: FileKeyHolder,
): Promise<boolean> {
  return withProject(parts, async ({ workspace }) => {
    const encrypted = await readText(workspace, request.path)
    const opened = await openText(encrypted, holder)
    await recordUse(workspace, { use: 'edit', files: [request.path] })
    const text = await changeCopy({ ...encrypted, text: opened.text }, request.change)
    if (text === opened.text) return false
    await replaceFile(workspace, request.path, sealText({ ...encrypted, text }, opened))
    return true
  })
}

export interface VariablesOptions {
  /** For encrypted files. */
  readonly holder?: FileKeyHolder
  /** What gets the variables, without its arguments. */
  readonly program?: string
}

/**
 * Variables that files set, the later ones over the earlier; encrypted ones are opened. The log has who read them, and the
 * `program` they are for.
 */
export function readVariables(
  folder: string,
  paths: readonly string[],
  { holder, program }: VariablesOptions = {},
): Promise<Readonly<Record<string, string>>> {
  return lookAtProject(folder, async ({ workspace }) => {
    const variables: Record<string, string> = {}
    for (const path of paths) {
      const found = await readText(workspace, path)
      const isOpen = holder === undefined || !path.endsWith(SUFFIX)
      const text = isOpen ? found.text : (await openText(found, holder)).text
      Object.assign(variables, Object.fromEntries(valuesOf({ ...found, text })))
    }
    const named = program === undefined ? {} : { program }
    await recordUse(workspace, { use: 'variables', files: paths, names: Object.keys(variables), ...named })
    return variables
  })
}

/** A missing file is an error: what runs without its secrets fails later and elsewhere. */
async function readText(workspace: Workspace, path: string): Promise<SecretText> {
  const plain = path.endsWith(SUFFIX) ? path.slice(0, -SUFFIX.length) : path
  const { form } = toTarget(plain)
  const place = await workspace.find(path)
  const found = place === undefined ? undefined : await readPlace(place)
  if (place === undefined || found === undefined)
    throw refused({ file: path, expected: 'a file that is there' })
  return { file: plain.slice(plain.lastIndexOf('/') + 1), form, text: textOf(place, found.bytes) }
}

function valuesOf({ file, form, text }: SecretText): ReadonlyMap<string, string> {
  const read = form === 'toml' ? readToml : readDotenv
  const values: Readonly<Record<string, unknown>> = naming(file, () => read(text))
  return new Map(
    Object.entries(values).flatMap(([name, value]): [string, string][] => {
      if (typeof value === 'object' && value !== null) return []
      return [[name, String(value)]]
    }),
  )
}

async function replaceFile(workspace: Workspace, path: string, text: string): Promise<void> {
  const found = await readPlace(await workspace.place(path))
  const edit = { path, found, content: Buffer.from(text), mode: found?.mode ?? FOR_EVERYBODY }
  await (await applyEdits(workspace, [edit], async () => undefined)).keep()
}

/** In memory where the system has a folder for that, else in a private one; gone afterwards. */
async function changeCopy(
  { file, text }: SecretText,
  change: (copy: string) => Promise<void>,
): Promise<string> {
  const folder = await makePrivateFolder()
  const copy = join(folder, file)
  try {
    const made = await open(copy, 'wx', 0o600)
    await made.writeFile(text)
    await made.close()
    await change(copy)
    return await readFile(copy, 'utf8')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function makePrivateFolder(): Promise<string> {
  for (const place of [process.env['XDG_RUNTIME_DIR'], '/dev/shm', tmpdir()]) {
    const made =
      place === undefined ? undefined : await mkdtemp(join(place, 'coffre-edit-')).catch(() => undefined)
    if (made !== undefined) return made
  }
  throw new CoffreError('SECRET_FILE_REFUSED', { facts: { expected: 'a folder for temporary files' } })
}
