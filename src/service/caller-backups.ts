import type { BackupEvent } from '../model/backup-trail.ts'
import type { CoffreBackups } from '../model/backup-schedule.ts'
import { CoffreError } from '../model/errors.ts'
import { authorize } from './access/authorize.ts'
import type { BackupSchedules } from './backup/schedule/backup-schedules.ts'
import type { Caller } from './caller.ts'
import type { Core } from './operator/core.ts'

/** `CoffreBackups` of model/backup-schedule.ts for one caller. */
export function callerBackups(core: Core, caller: Caller): CoffreBackups {
  const reading = async (): Promise<BackupSchedules | undefined> => {
    await authorize(core.trail, caller, 'backup.read')
    return core.backups
  }
  const read = async () => required(await reading())
  return {
    record: async (event) => {
      await authorize(core.trail, caller, 'backup.record')
      await recordBackup(core, caller, event)
      core.backupCounts.count(event)
    },
    schedules: async (query) => (await reading())?.views(query) ?? [],
    schedule: async (series, query) => (await read()).view(series, query),
    runs: async (series, query) => (await read()).runs(series, query?.limit),
    findRun: async (id) => (await read()).findRun(id),
    run: async (series, request = {}) => {
      await authorize(core.trail, caller, 'backup.run')
      const { kind, id } = caller.principal
      return required(core.backups).ask(series, request, id === '' ? kind : `${kind}:${id}`)
    },
    list: async (series) => (await read()).list(series),
    inspect: async (series, sequence) => (await read()).inspect(series, sequence),
    planPruning: async (series) => (await read()).planPruning(series),
  }
}

function required(schedules: BackupSchedules | undefined): BackupSchedules {
  if (schedules === undefined) throw new CoffreError('BACKUP_SCHEDULE_NOT_FOUND')
  return schedules
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
