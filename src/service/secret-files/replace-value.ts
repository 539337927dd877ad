import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import { KEY_COMMENT, readKeyFiles, valueIn, writeKeyFiles } from './key-files.ts'
import { refuseReadOnly } from './change/file-place.ts'
import { toTarget } from './project.ts'
import { fingerprinter, logEvent } from './state.ts'
import { lookAtProject, type SecretFilesParts, withProject } from './with-project.ts'

export interface ReplaceRequest {
  /** Below the folder. */
  readonly path: string
  readonly name: string
  readonly value: Secret
}

/**
 * Replaces a value by one that takes effect with `work`. The new file is whole on the disk and was read by every reader
 * before `work` begins, so that nothing but a rename is left to do after it; where `work` fails, the old file stays. Whoever
 * dies in between leaves the one file or the other, and another run makes a new value.
 */
export function replaceValue<Result>(
  parts: SecretFilesParts,
  { path, name, value }: ReplaceRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  return withProject(parts, async ({ workspace, state, now }) => {
    const files = await readKeyFiles(workspace, [toTarget(path)])
    const isThere = files.some((file) => valueIn(file, name) !== undefined)
    if (!isThere) throw new CoffreError('SECRET_KEY_MISSING', { facts: { name } })
    let result: { readonly is: Result } | undefined
    const { pending } = await writeKeyFiles(
      workspace,
      files,
      [{ name, value: value.reveal(), comment: KEY_COMMENT }],
      {
        whenReady: async () => {
          result = { is: await work() }
        },
        ifInterrupted: 'keep',
      },
    )
    await pending.keep()
    const fingerprint = (await fingerprinter(state))(value.reveal())
    await logEvent(state, { at: now(), type: 'secret-key.replace', facts: { name, path, fingerprint } })
    if (result === undefined) throw new Error('unreachable: it ran before the file took its place')
    return result.is
  })
}

/** Refuses what `replaceValue` would refuse, and writes nothing. */
export function planReplacement(
  folder: string,
  { path, name }: Pick<ReplaceRequest, 'path' | 'name'>,
): Promise<void> {
  return lookAtProject(folder, async ({ workspace }) => {
    for (const file of await readKeyFiles(workspace, [toTarget(path)])) {
      if (valueIn(file, name) === undefined) throw new CoffreError('SECRET_KEY_MISSING', { facts: { name } })
      if (file.found !== undefined) refuseReadOnly(path, file.found)
    }
  })
}
