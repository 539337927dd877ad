import type { BackupScheduleView } from '../../model/backup-schedule.ts'
import type { Finding } from './finding.ts'

/** The backups that a configuration declares; `unreadable`: it is refused. `in-use`: a server knows, and this machine does not. */
export type BackupsView = readonly BackupScheduleView[] | 'unreadable' | 'in-use'

export function judgeBackups(view: BackupsView): readonly Finding[] {
  const id = 'backups'
  if (view === 'unreadable') {
    const next = 'correct the file of COFFRE_BACKUP_SCHEDULE; `coffre backup status` says what is wrong'
    return [{ id, state: 'problem', cause: 'the schedule cannot be read', next }]
  }
  if (view === 'in-use') {
    const next = 'coffre backup status, with COFFRE_ADDR'
    return [{ id, state: 'ok', cause: 'a server has this folder open: it knows', next }]
  }
  return view.map(judgeSchedule)
}

function judgeSchedule({ series, health, last, misses, drills }: BackupScheduleView): Finding {
  const id = `backup ${series}`
  const next = `coffre backup runs ${series}, then coffre backup run ${series}`
  if (health === 'failed') {
    return { id, state: 'problem', cause: `the last run failed: ${last?.code ?? 'INTERNAL'}`, next }
  }
  if (health === 'missed') {
    return { id, state: 'problem', cause: `the last run was missed; missed so far: ${misses}`, next }
  }
  const drill = `coffre backup drill ${series}`
  if (health === 'drill-failed') {
    return { id, state: 'problem', cause: `the last drill failed: ${drills.code ?? 'INTERNAL'}`, next: drill }
  }
  if (health === 'drill-overdue') {
    return { id, state: 'problem', cause: 'a drill is overdue', next: drill }
  }
  if (health === 'none') return { id, state: 'ok', cause: 'no run yet' }
  return drills.passedAt === undefined
    ? { id, state: 'ok', cause: 'no drill has passed yet', next: drill }
    : { id, state: 'ok' }
}
