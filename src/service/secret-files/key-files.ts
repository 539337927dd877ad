import { applyEdits, type Edit, type EditedFile, type Pending } from './change/change.ts'
import { type FoundFile, readPlace, refuseReadOnly, textOf } from './change/file-place.ts'
import { naming, refused } from './change/folder.ts'
import { GIT_IGNORE, ignoreEdit } from './change/git.ts'
import type { Workspace } from './change/workspace.ts'
import { type Assignment, dropDotenv, readDotenv, setDotenv } from './file/dotenv-text.ts'
import { quoteDotenv, quoteToml } from './file/quote.ts'
import { type Reading, readWithAll } from './file/reader.ts'
import { dropToml, readToml, setToml } from './file/toml-text.ts'
import { type Target, toTarget } from './project.ts'

/** As in the guide, in every language: other programs look for it. */
export const KEY_COMMENT = 'Secret Key (générée automatiquement)'
export const PREVIOUS_COMMENT = 'Secret Key from before the last rotation: it still verifies'

/** More rotations than these within the life of one session end the oldest key early. */
export const MAX_PREVIOUS_KEYS = 4
const PREVIOUS_NAME = /_PREVIOUS(?:_\d)?$/

/** Where keys from before the last rotations stand while sessions under them live: NAME_PREVIOUS, NAME_PREVIOUS_2 … */
export function previousNames(name: string): readonly string[] {
  return Array.from({ length: MAX_PREVIOUS_KEYS }, (_, index) =>
    index === 0 ? `${name}_PREVIOUS` : `${name}_PREVIOUS_${index + 1}`,
  )
}

export interface KeyFile {
  readonly target: Target
  readonly found: FoundFile | undefined
  readonly text: string
}

export async function readKeyFiles(
  workspace: Workspace,
  targets: readonly Target[],
): Promise<readonly KeyFile[]> {
  const files: KeyFile[] = []
  for (const target of targets) {
    const place = await workspace.find(target.path)
    const found = place === undefined ? undefined : await readPlace(place)
    const text = place === undefined || found === undefined ? '' : textOf(place, found.bytes)
    files.push({ target, found, text })
  }
  return files
}

export function valueIn({ target, text }: KeyFile, name: string): string | undefined {
  const read = target.form === 'toml' ? readToml : readDotenv
  const value = naming(target.path, () => read(text))[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The paths of files that a change will go through; what it refuses for the file itself, this refuses. */
export function refuseUnfit(files: readonly KeyFile[], name: string): readonly string[] {
  return files.map((file) => {
    valueIn(file, name)
    if (file.found !== undefined) refuseReadOnly(file.target.path, file.found)
    return file.target.path
  })
}

/** `undefined` takes the name away. */
export interface NewValue {
  readonly name: string
  readonly value: string | undefined
  readonly comment: string
}

/** The text with the new values; every other byte as it was. */
function editText(file: KeyFile, values: readonly NewValue[]): string {
  return naming(file.target.path, () => setValues(file, values))
}

function setValues({ target, text }: KeyFile, values: readonly NewValue[]): string {
  const isToml = target.form === 'toml'
  let edited = text
  for (const { name, value, comment } of values) {
    if (value === undefined) edited = (isToml ? dropToml : dropDotenv)(edited, name, comment)
    else {
      const assignment: Assignment = { name, comment, value: quoteFor(target, value) }
      edited = (isToml ? setToml : setDotenv)(edited, assignment)
    }
  }
  requireOthersUnchanged(target, { before: text, after: edited, names: values.map(({ name }) => name) })
  return edited
}

function quoteFor(target: Target, value: string): string {
  const quoted = target.form === 'toml' ? quoteToml(value) : quoteDotenv(value)
  if (quoted === undefined)
    throw refused({ file: target.path, expected: 'a value that every reader of an env file takes alike' })
  return quoted
}

function requireOthersUnchanged(
  target: Target,
  {
    before,
    after,
    names,
  }: { readonly before: string; readonly after: string; readonly names: readonly string[] },
): void {
  const read = target.form === 'toml' ? readToml : readDotenv
  const others = (text: string) =>
    JSON.stringify(Object.entries(read(text)).filter(([name]) => !names.includes(name)))
  if (others(before) !== others(after))
    throw refused({ file: target.path, expected: 'a file whose other entries can be kept' })
}

export interface WrittenFile {
  readonly path: string
  readonly change: 'created' | 'changed'
  readonly readers: readonly Reading[]
}

export interface Written {
  readonly files: readonly WrittenFile[]
  readonly isIgnoreChanged: boolean
  readonly pending: Pending
}

export interface Writing {
  /** Runs when the new files are whole on the disk, and before the first takes its place. */
  readonly whenReady?: () => Promise<void>
  readonly ifInterrupted?: 'undo' | 'keep'
}

/** Puts the values into all files or none, once every reader that is here finds them. */
export async function writeKeyFiles(
  workspace: Workspace,
  files: readonly KeyFile[],
  values: readonly NewValue[],
  { whenReady, ifInterrupted }: Writing = {},
): Promise<Written> {
  const edits = files.map((file): Edit => {
    const content = Buffer.from(editText(file, values))
    return { path: file.target.path, found: file.found, content }
  })
  const ignore = await ignoreEdit(
    workspace,
    files.map(({ target }) => target.path),
  )
  const readings = new Map<string, readonly Reading[]>()
  const pending = await applyEdits(
    workspace,
    ignore === undefined ? edits : [ignore, ...edits],
    async (written) => {
      for (const { target } of files) {
        const bytes = written.get(target.path) ?? Buffer.alloc(0)
        readings.set(target.path, await requireAgreement(target, bytes, values))
      }
      await whenReady?.()
    },
    { ...(ifInterrupted === undefined ? {} : { ifInterrupted }), names: values.map(({ name }) => name) },
  )
  return {
    files: files.map(({ target, found }) => ({
      path: target.path,
      change: found === undefined ? 'created' : 'changed',
      readers: readings.get(target.path) ?? [],
    })),
    isIgnoreChanged: ignore !== undefined,
    pending,
  }
}

/**
 * Takes a change that was undone out of files that somebody saved after it: the old values come back, and the rest stays
 * as it was saved. Answers the paths of those files.
 */
export async function restoreValues(
  workspace: Workspace,
  edited: readonly EditedFile[],
  names: readonly string[],
): Promise<readonly string[]> {
  const restored: string[] = []
  for (const { path, before } of edited) {
    const place = await workspace.find(path)
    if (place === undefined || path === GIT_IGNORE || names.length === 0) continue
    const target = toTarget(path)
    const old = { target, found: undefined, text: before === undefined ? '' : textOf(place, before) }
    const values = names.map((name) => ({ name, value: valueIn(old, name), comment: commentOf(name) }))
    const now = await readKeyFiles(workspace, [target])
    await (await writeKeyFiles(workspace, now, values)).pending.keep()
    restored.push(path)
  }
  return restored
}

function commentOf(name: string): string {
  return PREVIOUS_NAME.test(name) ? PREVIOUS_COMMENT : KEY_COMMENT
}

async function requireAgreement(
  target: Target,
  bytes: Uint8Array,
  values: readonly NewValue[],
): Promise<readonly Reading[]> {
  const expected = Object.fromEntries(
    values.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  )
  const text = Buffer.from(bytes).toString('utf8')
  const readings = await readWithAll({ form: target.form, text, expected })
  const other = readings.find(({ verdict }) => verdict === 'differs')
  if (other !== undefined)
    throw refused({ file: target.path, reader: other.reader, expected: 'the same value from every reader' })
  return readings
}
