import {
  BACKUP_EVENT,
  BACKUP_LIST,
  BACKUP_PATH,
  BACKUP_PLAN,
  BACKUP_RUN,
  BACKUP_RUNS,
  BACKUP_RUNS_QUERY,
  BACKUP_SCHEDULE,
  BACKUP_SCHEDULES,
  BACKUP_SUMMARY,
  RUN_BACKUP,
  RUN_PATH,
  SCHEDULE_PATH,
  SCHEDULE_QUERY,
} from '../backup-schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'backups'
const SCHEDULE = '/backups/schedules/:series'

/** Nothing here restores: whoever has a token is not whoever may replace a database. */
export function addBackupRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/backups/records',
    summary: 'Record what the caller did with a backup that it holds itself',
    tag: TAG,
    body: BACKUP_EVENT,
    status: 204,
    run: (coffre, { body }) => coffre.backups.record(dropUndefined(body)),
  })
  addScheduleRoutes(api, parts)
  addRunRoutes(api, parts)
  addTargetRoutes(api, parts)
}

function addScheduleRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: '/backups/schedules',
    summary: 'The backups that the server makes by itself, and how each stands',
    tag: TAG,
    query: SCHEDULE_QUERY,
    result: BACKUP_SCHEDULES,
    run: async (coffre, { query }) => ({ schedules: await coffre.backups.schedules(dropUndefined(query)) }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: SCHEDULE,
    summary: 'One of them: its last run, its last success, the next',
    tag: TAG,
    path: SCHEDULE_PATH,
    query: SCHEDULE_QUERY,
    result: BACKUP_SCHEDULE,
    run: (coffre, { path, query }) => coffre.backups.schedule(path.series, dropUndefined(query)),
  })
}

function addRunRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: `${SCHEDULE}/runs`,
    summary: 'Its runs, newest first',
    tag: TAG,
    path: SCHEDULE_PATH,
    query: BACKUP_RUNS_QUERY,
    result: BACKUP_RUNS,
    run: async (coffre, { path, query }) => ({
      runs: await coffre.backups.runs(path.series, dropUndefined(query)),
    }),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: `${SCHEDULE}/runs`,
    summary: 'Make a backup now, or verify one whole: a job, whose progress its run tells',
    tag: TAG,
    path: SCHEDULE_PATH,
    body: RUN_BACKUP,
    result: BACKUP_RUN,
    status: 202,
    run: (coffre, { path, body }) => coffre.backups.run(path.series, dropUndefined(body)),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/backups/runs/:id',
    summary: 'A run: its state, how much it has read or written, and why it failed',
    tag: TAG,
    path: RUN_PATH,
    result: BACKUP_RUN,
    run: (coffre, { path }) => coffre.backups.findRun(path.id),
  })
}

/** They ask the target. */
function addTargetRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: `${SCHEDULE}/backups`,
    summary: 'The backups of a series, oldest first, and those whose manifests are missing',
    tag: TAG,
    path: SCHEDULE_PATH,
    result: BACKUP_LIST,
    run: (coffre, { path }) => coffre.backups.list(path.series),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: `${SCHEDULE}/backups/:sequence`,
    summary: 'What one of them is, without opening it; `newest` for the newest',
    tag: TAG,
    path: BACKUP_PATH,
    result: BACKUP_SUMMARY,
    run: (coffre, { path: { series, sequence } }) =>
      coffre.backups.inspect(series, sequence === 'newest' ? undefined : sequence),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: `${SCHEDULE}/pruning`,
    summary: 'What its retention would delete now; nothing is deleted',
    tag: TAG,
    path: SCHEDULE_PATH,
    result: BACKUP_PLAN,
    run: (coffre, { path }) => coffre.backups.planPruning(path.series),
  })
}
