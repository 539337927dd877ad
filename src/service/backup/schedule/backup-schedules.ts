import { randomUuidV7 } from '../../../crypto/random.ts'
import type { BackupList, BackupPruning, BackupSummary } from '../../../model/backup.ts'
import type {
  BackupRunRequest,
  BackupRunView,
  BackupScheduleQuery,
  BackupScheduleView,
} from '../../../model/backup-schedule.ts'
import { type Instant, toInstant } from '../../../model/clock.ts'
import { CoffreError } from '../../../model/errors.ts'
import type { BackupRun } from '../../../store/store.ts'
import type { Backups } from '../backups.ts'
import { BackupRunner, type BackupRunnerParts } from './backup-runner.ts'
import type { DeclaredBackup } from './declared-backup.ts'
import { viewRun, viewSchedule } from './schedule-view.ts'

const MAX_LISTED_RUNS = 100
const DEFAULT_LISTED_RUNS = 20
/** A UUID. */
const RUN_ID = /^[0-9a-f-]{36}$/

/** The backups that a configuration declares: how they stand, and what is asked about them. */
export class BackupSchedules {
  readonly #parts: BackupRunnerParts
  readonly runner: BackupRunner

  constructor(parts: BackupRunnerParts) {
    this.#parts = parts
    this.runner = new BackupRunner(parts)
  }

  get declared(): ReadonlyMap<string, DeclaredBackup> {
    return this.#parts.declared
  }

  async views(query: BackupScheduleQuery = {}): Promise<readonly BackupScheduleView[]> {
    const at = this.#readMoment(query)
    const views: BackupScheduleView[] = []
    for (const declared of this.#parts.declared.values())
      views.push(await viewSchedule(this.#parts.store, declared, at))
    return views
  }

  /** Throws BACKUP_SCHEDULE_NOT_FOUND. */
  async view(series: string, query: BackupScheduleQuery = {}): Promise<BackupScheduleView> {
    return viewSchedule(this.#parts.store, this.#find(series), this.#readMoment(query))
  }

  async runs(series: string, limit = DEFAULT_LISTED_RUNS): Promise<readonly BackupRunView[]> {
    this.#find(series)
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED_RUNS) {
      throw new CoffreError('INVALID_REQUEST', { facts: { at: 'limit', from: 1, to: MAX_LISTED_RUNS } })
    }
    return (await this.#parts.store.listBackupRuns({ series, limit })).map(viewRun)
  }

  async findRun(id: string): Promise<BackupRunView> {
    const run = RUN_ID.test(id) ? await this.#parts.store.findBackupRun(id) : undefined
    if (run === undefined) throw new CoffreError('BACKUP_RUN_NOT_FOUND')
    return viewRun(run)
  }

  /** One of a series at a time: who asks twice has asked once. */
  async ask(series: string, request: BackupRunRequest, askedBy: string): Promise<BackupRunView> {
    this.#find(series)
    const { work = 'create', sequence } = request
    const { store, clock } = this.#parts
    const run: BackupRun = {
      id: randomUuidV7(),
      series,
      work,
      state: 'waiting',
      askedBy,
      askedAt: clock(),
      bytes: 0,
      ...(sequence === undefined ? {} : { sequence }),
    }
    await store.transaction(async (tx) => {
      const open = await tx.listOpenBackupRuns()
      if (open.some((each) => each.series === series)) {
        throw new CoffreError('BACKUP_RUN_UNDER_WAY', { facts: { series } })
      }
      await tx.putBackupRun(run)
    })
    await this.runner.asked(run)
    return viewRun(run)
  }

  list(series: string): Promise<BackupList> {
    return this.#with(series, (backups) => backups.list(series))
  }

  inspect(series: string, sequence?: number): Promise<BackupSummary> {
    const reference = sequence === undefined ? { series } : { series, sequence }
    return this.#with(series, (backups) => backups.inspect(reference))
  }

  planPruning(series: string): Promise<BackupPruning> {
    const { keep } = this.#find(series)
    if (keep === undefined) {
      const expected = 'how many backups this schedule keeps'
      throw new CoffreError('INVALID_REQUEST', { facts: { at: 'keep', expected } })
    }
    const request = { series, retention: keep, dryRun: true }
    return this.#with(series, (backups) => backups.prune(this.#parts.coffre, request))
  }

  async #with<Result>(series: string, work: (backups: Backups) => Promise<Result>): Promise<Result> {
    const backups = await this.#find(series).openBackups(this.#parts.coffre)
    try {
      return await work(backups)
    } finally {
      await backups.close()
    }
  }

  #find(series: string): DeclaredBackup {
    const declared = this.#parts.declared.get(series)
    if (declared !== undefined) return declared
    throw new CoffreError('BACKUP_SCHEDULE_NOT_FOUND')
  }

  #readMoment({ at }: BackupScheduleQuery): Instant {
    if (at === undefined) return this.#parts.clock()
    const moment = Date.parse(at)
    if (Number.isSafeInteger(moment) && moment >= 0) return toInstant(moment)
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'at', expected: 'a moment as ISO 8601 writes it' },
    })
  }
}
