import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import { applyEdits, type Pending } from './change/change.ts'
import { type FoundFile, readPlace, refuseReadOnly } from './change/file-place.ts'
import { ignoreEdit } from './change/git.ts'
import { refuseStateFolder, type Workspace } from './change/workspace.ts'
import { KEY_COMMENT, readKeyFiles, valueIn, writeKeyFiles } from './key-files.ts'
import { toTarget } from './project.ts'
import { fingerprinter, logEvent } from './state.ts'
import { lookAtProject, type SecretFilesParts, withProject } from './with-project.ts'

/** Where a value stands. */
export interface ValuePlace {
  /** Below the folder. */
  readonly path: string
  /** Absent: the file holds the value alone. */
  readonly name?: string
}

export interface ReplaceRequest extends ValuePlace {
  readonly value: Secret
}

/**
 * Replaces a value by one that takes effect with `work`. The new file is whole on the disk and was read by every reader
 * before `work` begins, so that nothing but a rename is left to do after it; where `work` fails, the old file stays. Whoever
 * dies in between leaves the one file or the other, and another run makes a new value.
 */
export function replaceValue<Result>(
  parts: SecretFilesParts,
  request: ReplaceRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  const { path, name, value } = request
  return withProject(parts, async ({ workspace, state, now }) => {
    let result: { readonly is: Result } | undefined
    const whenReady = async () => {
      result = { is: await work() }
    }
    const pending = await write(workspace, request, whenReady)
    await pending.keep()
    const fingerprint = (await fingerprinter(state))(value.reveal())
    const facts = { ...(name === undefined ? {} : { name }), path, fingerprint }
    await logEvent(state, { at: now(), type: 'secret-key.replace', facts })
    if (result === undefined) throw new Error('unreachable: it ran before the file took its place')
    return result.is
  })
}

/** Refuses what `replaceValue` would refuse, and writes nothing. */
export function planReplacement(folder: string, place: ValuePlace): Promise<void> {
  return lookAtProject(folder, async ({ workspace }) => {
    if (place.name === undefined) await readWhole(workspace, place.path)
    else await readNamed(workspace, place.path, place.name)
  })
}

async function write(
  workspace: Workspace,
  { path, name, value }: ReplaceRequest,
  whenReady: () => Promise<void>,
): Promise<Pending> {
  if (name === undefined) {
    const edit = {
      path,
      found: await readWhole(workspace, path),
      content: Buffer.from(`${value.reveal()}\n`),
    }
    const ignore = await ignoreEdit(workspace, [path])
    return applyEdits(workspace, ignore === undefined ? [edit] : [ignore, edit], whenReady, {
      ifInterrupted: 'keep',
    })
  }
  const files = await readNamed(workspace, path, name)
  const values = [{ name, value: value.reveal(), comment: KEY_COMMENT }]
  return (await writeKeyFiles(workspace, files, values, { whenReady, ifInterrupted: 'keep' })).pending
}

async function readNamed(workspace: Workspace, path: string, name: string) {
  const files = await readKeyFiles(workspace, [toTarget(path)])
  for (const file of files) {
    if (valueIn(file, name) === undefined) throw new CoffreError('SECRET_KEY_MISSING', { facts: { name } })
    if (file.found !== undefined) refuseReadOnly(path, file.found)
  }
  return files
}

async function readWhole(workspace: Workspace, path: string): Promise<FoundFile> {
  refuseStateFolder(path)
  const place = await workspace.find(path)
  const found = place === undefined ? undefined : await readPlace(place)
  if (found === undefined) throw new CoffreError('SECRET_KEY_MISSING', { facts: { path } })
  refuseReadOnly(path, found)
  return found
}
