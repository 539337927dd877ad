import type { Secret } from '../../model/secret.ts'
import { type BackupView, findBackup, listBackups, openBackup, writeBackup } from './backup.ts'
import type { FileKeyHolder } from './encrypted/file-key.ts'
import { readName, remember } from './generate.ts'
import { readKeyFiles, refuseUnfit, valueIn, type WrittenFile, writeKeyFiles } from './key-files.ts'
import { graceOf, keepOldKeys, newValues, readOldKeys, viewOldKeys } from './previous-key.ts'
import { targetsFor } from './project.ts'
import { fingerprinter, logEvent } from './state.ts'
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

/** The files that a recovery would change; whether the backup opens, only its passphrase or key can tell. */
export function planRecovery(folder: string, request: RecoverRequest): Promise<readonly string[]> {
  return lookAtProject(folder, async ({ workspace, project }) => {
    const view = await findBackup(workspace, request.fingerprint)
    const files = await readKeyFiles(workspace, targetsFor(project, view.environment))
    return refuseUnfit(files, readName(request.name))
  })
}

/**
 * Puts a backed-up key back into every file of its environment, or into none. The key that it takes the place of is
 * backed up as in a rotation, and verifies for as long.
 */
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
    const fingerprintOf = await fingerprinter(scene.state)
    const replaced = new Set(files.flatMap((file) => valueIn(file, name) ?? []))
    replaced.delete(key.reveal())
    const drops: (() => Promise<void>)[] = []
    for (const old of replaced) {
      const backup = { name, environment, fingerprint: fingerprintOf(old), key: old, now: scene.now() }
      drops.push(await writeBackup(scene.workspace, backup, holder))
    }
    const [old] = replaced
    const until = old === undefined ? undefined : graceOf(scene, old)
    const ends = until === undefined ? {} : { until }
    const { kept } = keepOldKeys(await readOldKeys(scene.state, { files, name, environment }), {
      key: key.reveal(),
      now: scene.now(),
      ...(old === undefined ? {} : { replaced: { key: old, fingerprint: fingerprintOf(old), ...ends } }),
    })
    const values = newValues(name, { key: key.reveal(), previous: kept.map((each) => each.key) })
    const { pending, files: written } = await writeKeyFiles(scene.workspace, files, values).catch(
      async (error: unknown) => {
        for (const drop of drops) await drop()
        throw error
      },
    )
    await pending.keep()
    await remember(scene, { environment, fingerprint, isGenerated: false, ...viewOldKeys(kept) })
    const facts = { name, environment, fingerprint }
    await logEvent(scene.state, { at: scene.now(), type: 'secret-key.recover', facts })
    return written
  })
}
