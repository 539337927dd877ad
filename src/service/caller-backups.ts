import type { BackupEvent, CoffreBackups } from '../model/backup-trail.ts'
import { authorize } from './access/authorize.ts'
import type { Caller } from './caller.ts'
import type { Core } from './operator/core.ts'

/** `CoffreBackups` of model/backup-trail.ts for one caller. */
export function callerBackups(core: Core, caller: Caller): CoffreBackups {
  return {
    record: async (event) => {
      await authorize(core.trail, caller, 'backup.record')
      await recordBackup(core, caller, event)
      core.backupCounts.count(event)
    },
  }
}

/** What the caller says that it did; the record names the caller. */
async function recordBackup(core: Core, caller: Caller, event: BackupEvent): Promise<void> {
  const { principal, requestId } = caller
  const { action, code, ...detail } = event
  await core.trail.commit({
    action,
    principal,
    requestId,
    outcome: code === undefined ? 'ok' : 'refused',
    ...(code === undefined ? {} : { code }),
    detail,
  })
}
