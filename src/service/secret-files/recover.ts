import type { Secret } from '../../model/secret.ts'
import { type BackupView, listBackups, openBackup } from './backup.ts'
import type { FileKeyHolder } from './encrypted/file-key.ts'
import { readName, remember } from './generate.ts'
import { KEY_COMMENT, readKeyFiles, type WrittenFile, writeKeyFiles } from './key-files.ts'
import { targetsFor } from './project.ts'
import { logEvent } from './state.ts'
import { lookAtProject, type SecretFilesParts, withProject } from './with-project.ts'

/** Old keys that were backed up, the newest first. */
export function listKeyBackups(folder: string): Promise<readonly BackupView[]> {
  return lookAtProject(folder, ({ workspace }) => listBackups(workspace))
}

export interface RecoverRequest {
  readonly fingerprint: string
  readonly name?: string
}

/** The key itself. It is recorded that it was looked at. */
export function revealBackup(
  parts: SecretFilesParts,
  request: RecoverRequest,
  holder: FileKeyHolder,
): Promise<Secret> {
  return withProject(parts, async ({ workspace, state, now }) => {
    const name = readName(request.name)
    const { view, key } = await openBackup(workspace, { ...request, name }, holder)
    await logEvent(state, {
      at: now(),
      type: 'secret-key.reveal',
      facts: { name, fingerprint: view.fingerprint },
    })
    return key
  })
}

/** Puts a backed-up key back into every file of its environment, or into none. */
export function recoverSecretKey(
  parts: SecretFilesParts,
  request: RecoverRequest,
  holder: FileKeyHolder,
): Promise<readonly WrittenFile[]> {
  return withProject(parts, async (scene) => {
    const name = readName(request.name)
    const { view, key } = await openBackup(scene.workspace, { ...request, name }, holder)
    const { environment, fingerprint } = view
    const files = await readKeyFiles(scene.workspace, targetsFor(scene.project, environment))
    const value = { name, value: key.reveal(), comment: KEY_COMMENT }
    const { pending, files: written } = await writeKeyFiles(scene.workspace, files, [value])
    await pending.keep()
    await remember(scene, { environment, fingerprint, isGenerated: false })
    const facts = { name, environment, fingerprint }
    await logEvent(scene.state, { at: scene.now(), type: 'secret-key.recover', facts })
    return written
  })
}
