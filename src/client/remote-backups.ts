import type { BackupList, BackupPruning, BackupSummary } from '../model/backup.ts'
import type { BackupRunView, BackupScheduleView, CoffreBackups } from '../model/backup-schedule.ts'
import { type AnswerShape, parseAnswer, parseList } from './answer-shape.ts'
import type { Connection } from './connection.ts'
import { formatQuery } from './remote-keys.ts'

const RUN_SHAPE: AnswerShape<BackupRunView> = {
  id: 'string',
  series: 'string',
  work: 'string',
  state: 'string',
  askedBy: 'string',
  askedAt: 'string',
  bytes: 'number',
}
const SCHEDULE_SHAPE: AnswerShape<BackupScheduleView> = {
  series: 'string',
  source: 'string',
  target: 'string',
  cron: 'string',
  timeZone: 'string',
  nextAt: 'string',
  health: 'string',
  failures: 'number',
  misses: 'number',
}
const BACKUP_SHAPE: AnswerShape<BackupSummary> = {
  id: 'string',
  series: 'string',
  source: 'string',
  sequence: 'number',
  bodyBytes: 'number',
  createdAt: 'string',
  slots: 'list',
  isTrusted: 'boolean',
}
const LIST_SHAPE: AnswerShape<BackupList> = { backups: 'list', missing: 'list' }
const PRUNING_SHAPE: AnswerShape<BackupPruning> = {
  kept: 'list',
  removed: 'list',
  locked: 'list',
  orphans: 'list',
}

export function remoteBackups(connection: Connection): CoffreBackups {
  const get = (path: string, query: Parameters<typeof formatQuery>[0] = {}) =>
    connection.send({ method: 'GET', path: `/backups${path}${formatQuery(query)}` })
  return {
    record: async (event) => {
      await connection.send({ method: 'POST', path: '/backups/records', body: event })
    },
    schedules: async (query) =>
      parseList<BackupScheduleView>(await get('/schedules', { ...query }), 'schedules', SCHEDULE_SHAPE),
    schedule: async (series, query) =>
      parseAnswer<BackupScheduleView>(await get(pathOf(series), { ...query }), SCHEDULE_SHAPE),
    runs: async (series, query) =>
      parseList<BackupRunView>(await get(`${pathOf(series)}/runs`, { ...query }), 'runs', RUN_SHAPE),
    findRun: async (id) =>
      parseAnswer<BackupRunView>(await get(`/runs/${encodeURIComponent(id)}`), RUN_SHAPE),
    run: async (series, request = {}) => {
      const path = `/backups${pathOf(series)}/runs`
      return parseAnswer<BackupRunView>(
        await connection.send({ method: 'POST', path, body: request }),
        RUN_SHAPE,
      )
    },
    list: async (series) => parseAnswer<BackupList>(await get(`${pathOf(series)}/backups`), LIST_SHAPE),
    inspect: async (series, sequence) => {
      const path = `${pathOf(series)}/backups/${sequence ?? 'newest'}`
      return parseAnswer<BackupSummary>(await get(path), BACKUP_SHAPE)
    },
    planPruning: async (series) =>
      parseAnswer<BackupPruning>(await get(`${pathOf(series)}/pruning`), PRUNING_SHAPE),
  }
}

function pathOf(series: string): string {
  return `/schedules/${encodeURIComponent(series)}`
}
