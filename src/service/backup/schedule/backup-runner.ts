import { setTimeout } from 'node:timers/promises'
import type { OnBackupProgress } from '../../../model/backup.ts'
import { type Clock, type Instant, SECOND } from '../../../model/clock.ts'
import { CoffreError, errorCodeOf } from '../../../model/errors.ts'
import type { BackupRun, Store, StoreTransaction } from '../../../store/store.ts'
import type { AuditTrail } from '../../audit-trail.ts'
import type { Caller } from '../../caller.ts'
import type { BackupAlert, DeclaredBackup, ScheduleCoffre } from './declared-backup.ts'
import type { SeenDrill } from './drill-if-due.ts'
import { runBackup, type RunOutcome } from './run-backup.ts'
import { isLate, settle, settleLate } from './settle.ts'

/** A node that dies with a run holds its series up for so long. */
const LEASE_MS = 60 * SECOND
const RENEW_MS = 5 * SECOND
const TICK_MS = 10 * SECOND
/** Between two attempts to write down how a run ended. */
const AGAIN_MS = SECOND
/** Of each series, besides its newest success. */
const KEPT_RUNS = 100

export interface BackupRunnerParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly declared: ReadonlyMap<string, DeclaredBackup>
  readonly coffre: ScheduleCoffre
  /** For what leaves a record without `coffre`. */
  readonly caller: Caller
  /** Unique to the process. */
  readonly holder: string
  readonly isSealed: () => boolean
  readonly onAlert: (alert: BackupAlert) => void
  /** True: a run that is asked for here is done here, although nobody has started the schedule. */
  readonly doesAsked: boolean
}

/** Does the backups of a schedule when they are due, one at a time. Several nodes on one store do each once. */
export class BackupRunner {
  readonly #parts: BackupRunnerParts
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #running: Promise<void> | undefined
  /** When the last run here ended; what waited behind it has not been late until then. */
  #freeSince: Instant | undefined

  constructor(parts: BackupRunnerParts) {
    this.#parts = parts
  }

  /** From now on it looks by itself what is due. */
  start(): void {
    this.#timer ??= setInterval(() => this.wake(), TICK_MS)
    this.#timer.unref()
    this.wake()
  }

  /** Time has passed, or a run has ended. */
  wake(): void {
    if (this.#timer === undefined) return
    // A failing store shows in every other answer too; the next look tries again.
    this.look().catch(() => undefined)
  }

  /** A run that waits. Where nobody has started the schedule this process does it, or leaves it to one that has. */
  async asked(run: BackupRun): Promise<void> {
    if (this.#timer !== undefined || !this.#parts.doesAsked) return this.wake()
    await this.#take(run)
  }

  /** Resolves when what is due is under way. */
  look(): Promise<void> {
    const looked = this.#looking.then(() => this.#look())
    this.#looking = looked.catch(() => undefined)
    return looked
  }

  /** Resolves when the run that is under way has ended, and what waits behind it too. */
  async idle(): Promise<void> {
    await this.#looking
    while (this.#running !== undefined) {
      await this.#running
      await this.#looking
    }
  }

  /** A run that is under way ends as interrupted, and what it wrote is taken away. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new CoffreError('BACKUP_INTERRUPTED'))
    await this.#looking
    await this.#running
  }

  async #look(): Promise<void> {
    if (this.#stop.signal.aborted) return
    await this.#settle()
    if (this.#parts.isSealed() || this.#running !== undefined) return
    for (const run of await this.#parts.store.listOpenBackupRuns()) {
      if (run.state === 'waiting' && (await this.#take(run))) return
    }
  }

  /** Whether it is under way here now. */
  async #take(run: BackupRun): Promise<boolean> {
    const declared = this.#parts.declared.get(run.series)
    const begun = declared === undefined ? undefined : await this.#begin(run)
    if (declared === undefined || begun === undefined) return false
    this.#running = this.#run(declared, begun).finally(() => {
      this.#running = undefined
      this.#freeSince = this.#parts.clock()
      this.wake()
    })
    return true
  }

  async #settle(): Promise<void> {
    const { store, clock, declared } = this.#parts
    const now = clock()
    for (const each of declared.values()) {
      if (await settle(this.#parts, each, now)) this.#alertMissed(each.series)
    }
    const open = await store.listOpenBackupRuns()
    for (const run of open) {
      const isMissed = isLate(run, { open, now, freeSince: this.#freeSince })
      if (isMissed && (await settleLate(this.#parts, run, now))) this.#alertMissed(run.series)
      if (run.state === 'running' && run.holder !== this.#parts.holder) await this.#buryDead(run)
    }
  }

  #alertMissed(series: string): void {
    this.#alert({ kind: 'backup-missed', series, code: 'BACKUP_MISSED' })
  }

  #alert(alert: BackupAlert): void {
    try {
      this.#parts.onAlert(alert)
    } catch {
      // What a listener throws stops no backup, and the log has what it was told.
    }
  }

  /** The run is this node's; `undefined` where another has it, or does another of its series. */
  #begin(run: BackupRun): Promise<BackupRun | undefined> {
    const { store, clock, holder } = this.#parts
    return store.transaction(async (tx) => {
      const stored = await tx.findBackupRun(run.id)
      if (stored?.state !== 'waiting') return undefined
      if (!(await tx.claimJob({ name: jobOf(run), holder, leaseMs: LEASE_MS }))) return undefined
      const begun: BackupRun = { ...stored, state: 'running', startedAt: clock(), holder }
      await tx.putBackupRun(begun)
      return begun
    })
  }

  async #run(declared: DeclaredBackup, run: BackupRun): Promise<void> {
    const lost = new AbortController()
    let bytes = 0
    const timer = setInterval(() => void this.#renew(run, bytes, lost), RENEW_MS)
    timer.unref()
    const signal = AbortSignal.any([this.#stop.signal, lost.signal])
    const onProgress: OnBackupProgress = ({ unit, done }) => {
      if (unit === 'bytes') bytes = done
    }
    const result = await runBackup(declared, run, this.#parts.coffre, { signal, onProgress }).catch(
      (error: unknown): RunFailure => ({ failure: signal.aborted ? signal.reason : error, bytes }),
    )
    // The lease is held until it is written down how it ended.
    await this.#endWhenPossible(run, result, signal)
    clearInterval(timer)
  }

  /** A store that is away for a moment makes no failure of a good backup. */
  async #endWhenPossible(
    run: BackupRun,
    result: RunOutcome | RunFailure,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      try {
        await this.#end(run, result)
        return
      } catch {
        // Whoever comes next finds a run whose node is gone.
        if (signal.aborted) return
        await setTimeout(AGAIN_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Whoever has lost the lease stops: another node may do the same work by now. */
  async #renew(run: BackupRun, bytes: number, lost: AbortController): Promise<void> {
    const { store, holder } = this.#parts
    try {
      const isOurs = await store.transaction(async (tx) => {
        if (!(await tx.renewJob({ name: jobOf(run), holder, leaseMs: LEASE_MS }))) return false
        await tx.putBackupRun({ ...run, bytes })
        return true
      })
      if (!isOurs) lost.abort(new CoffreError('BACKUP_INTERRUPTED'))
    } catch {
      // The store is away; the lease lasts for several more attempts.
    }
  }

  async #end(run: BackupRun, result: RunOutcome | RunFailure): Promise<void> {
    const { store, clock, holder } = this.#parts
    const failure = 'failure' in result ? result.failure : result.pruneFailure
    const code = failure === undefined ? undefined : errorCodeOf(failure)
    const drill = 'drill' in result ? result.drill : undefined
    const state = 'failure' in result ? 'failed' : 'done'
    const isOurs = await store.transaction(async (tx) => {
      const stored = await tx.findBackupRun(run.id)
      if (stored?.state !== 'running' || stored.holder !== holder) return false
      const { bytes } = result
      await tx.putBackupRun({
        ...stored,
        state,
        endedAt: clock(),
        bytes,
        ...('sequence' in result ? { sequence: result.sequence } : {}),
        ...(code === undefined ? {} : { code }),
      })
      if (state === 'failed') await countFailure(tx, run.series)
      if (drill !== undefined) await putDrill(tx, run.series, drill)
      await tx.pruneBackupRuns(run.series, KEPT_RUNS)
      await tx.finishJob({ name: jobOf(run), holder, againInMs: 0 })
      return true
    })
    // Who found it without its node has told.
    if (!isOurs) return
    const { series } = run
    if (code !== undefined) {
      this.#alert({ kind: state === 'failed' ? 'backup-failed' : 'backup-not-pruned', series, code })
    }
    if (drill?.isNew === true && drill.newest.code !== undefined) {
      this.#alert({ kind: 'backup-drill-failed', series, code: drill.newest.code })
    }
  }

  /** Its node was killed: the lease has ended, and nobody will end the run. */
  async #buryDead(run: BackupRun): Promise<void> {
    const { store, trail, caller, clock, holder } = this.#parts
    const isDead = await store.transaction(async (tx) => {
      const stored = await tx.findBackupRun(run.id)
      if (stored?.state !== 'running' || stored.holder !== run.holder) return false
      const job = { name: jobOf(run), holder }
      if (!(await tx.claimJob({ ...job, leaseMs: LEASE_MS }))) return false
      await tx.putBackupRun({ ...stored, state: 'failed', endedAt: clock(), code: 'BACKUP_INTERRUPTED' })
      await countFailure(tx, run.series)
      const { principal, requestId } = caller
      const record = { action: `backup.${run.work}`, principal, requestId, outcome: 'refused' } as const
      await trail.append(tx, [{ ...record, code: 'BACKUP_INTERRUPTED', detail: { series: run.series } }])
      await tx.finishJob({ ...job, againInMs: 0 })
      return true
    })
    if (isDead) this.#alert({ kind: 'backup-failed', series: run.series, code: 'BACKUP_INTERRUPTED' })
  }
}

interface RunFailure {
  readonly failure: unknown
  readonly bytes: number
}

async function countFailure(
  tx: Pick<StoreTransaction, 'findBackupSchedule' | 'putBackupSchedule'>,
  series: string,
): Promise<void> {
  const row = await tx.findBackupSchedule(series)
  if (row !== undefined) await tx.putBackupSchedule({ ...row, failures: row.failures + 1 })
}

/** The last that passed stays known when one fails. */
async function putDrill(
  tx: Pick<StoreTransaction, 'findBackupDrill' | 'putBackupDrill'>,
  series: string,
  { newest }: SeenDrill,
): Promise<void> {
  const { passedAt } = { ...(await tx.findBackupDrill(series)), ...newest }
  await tx.putBackupDrill({ series, ...newest, ...(passedAt === undefined ? {} : { passedAt }) })
}

function jobOf({ series }: BackupRun): string {
  return `backup:${series}`
}
