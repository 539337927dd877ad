import { type BackupScheduleView, isTrouble } from '../model/backup-schedule.ts'
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** From a quarter of a millisecond, where an encrypt over loopback lies, to a slow RSA key. */
const DURATION_BUCKETS_SECONDS = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5]

export interface ObservedRequest {
  readonly method: string
  /** The pattern of the route, never the path: a path holds key names. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

export interface ObservedItems {
  readonly operation: string
  readonly succeeded: number
  readonly failed: number
}

/** How it stands with a declared backup. */
export type ObservedBackup = Pick<
  BackupScheduleView,
  'drills' | 'failures' | 'health' | 'lastSuccess' | 'misses' | 'nextAt' | 'series'
>

function secondsOf(moment: string | undefined): number | undefined {
  return moment === undefined ? undefined : Math.floor(Date.parse(moment) / 1_000)
}

/** Prometheus metrics of one server. No label ever holds a value of a user. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #requests: Counter<'method' | 'route' | 'status'>
  readonly #duration: Histogram<'method' | 'route'>
  readonly #items: Counter<'operation' | 'outcome'>
  readonly #legacyWrites = new Map<string, () => number>()

  constructor(isSealed: () => boolean) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    this.#requests = new Counter({
      name: 'coffre_http_requests_total',
      help: 'HTTP requests by route pattern and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    })
    this.#duration = new Histogram({
      name: 'coffre_http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last of its answer.',
      labelNames: ['method', 'route'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers,
    })
    this.#items = new Counter({
      name: 'coffre_data_items_total',
      help: 'Items of data operations; a batch counts each of its items.',
      labelNames: ['operation', 'outcome'],
      registers,
    })
    const legacyWrites = this.#legacyWrites
    new Gauge({
      name: 'coffre_legacy_writes_total',
      help: 'Values that were written in the form of a source document since the start.',
      labelNames: ['feature'],
      registers,
      collect() {
        for (const [feature, count] of legacyWrites) this.set({ feature }, count())
      },
    })
    new Gauge({
      name: 'coffre_sealed',
      help: '1 while the root key is not in memory.',
      registers,
      aggregator: 'max',
      collect() {
        this.set(isSealed() ? 1 : 0)
      },
    })
  }

  observeRequest(request: ObservedRequest): void {
    const { method, route, status, seconds } = request
    this.#requests.inc({ method, route, status: String(status) })
    this.#duration.observe({ method, route }, seconds)
  }

  observeItems(items: ObservedItems): void {
    const { operation } = items
    if (items.succeeded > 0) this.#items.inc({ operation, outcome: 'ok' }, items.succeeded)
    if (items.failed > 0) this.#items.inc({ operation, outcome: 'failed' }, items.failed)
  }

  /** For an alert some weeks ahead. */
  watchCertificate(notAfter: () => number): void {
    new Gauge({
      name: 'coffre_tls_certificate_not_after_seconds',
      help: 'When the TLS certificate that is served ends, as a Unix time.',
      registers: [this.#registry],
      collect() {
        this.set(Math.floor(notAfter() / 1_000))
      },
    })
  }

  /** Of the audit log; `size` is -1 before the first checkpoint of this process. */
  watchCheckpoints(
    health: () => { readonly size: number; readonly alert?: string; readonly failures: number },
  ): void {
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read())
        },
      })
    gauge('coffre_audit_checkpoint_size', 'Records under the last signed checkpoint.', () => health().size)
    gauge(
      'coffre_audit_checkpoint_failures',
      'Attempts that failed since the start.',
      () => health().failures,
    )
    gauge(
      'coffre_audit_copy_ok',
      '0 while checkpoints cannot be signed or copied outside the database.',
      () => (health().alert === undefined ? 1 : 0),
    )
  }

  /** Values that were written in the form of a source since the start. */
  watchLegacyWrites(feature: string, count: () => number): void {
    this.#legacyWrites.set(feature, count)
  }

  /** Since the start of this process; `isDown`: the cache server did not answer when it was last asked. */
  watchCache(
    read: () => {
      readonly results: Readonly<Record<string, number>>
      readonly conflicts: number
      readonly isDown: boolean
    },
  ): void {
    const registers = [this.#registry]
    new Counter({
      name: 'coffre_cache_results_total',
      help: 'Answers of the encrypted cache, by result.',
      labelNames: ['result'],
      registers,
      collect() {
        this.reset()
        for (const [result, count] of Object.entries(read().results)) this.inc({ result }, count)
      },
    })
    new Counter({
      name: 'coffre_cache_conflicts_total',
      help: 'Writes in the form of the source that another key’s entry was in the way of.',
      registers,
      collect() {
        this.reset()
        this.inc(read().conflicts)
      },
    })
    new Gauge({
      name: 'coffre_cache_unavailable',
      help: '1 while the cache server does not answer.',
      registers,
      aggregator: 'max',
      collect() {
        this.set(read().isDown ? 1 : 0)
      },
    })
  }

  /** What was recorded of backups since the start of this process. */
  watchBackupEvents(
    read: () => readonly { readonly action: string; readonly outcome: string; readonly count: number }[],
  ): void {
    new Counter({
      name: 'coffre_backup_events_total',
      help: 'What was recorded of backups, by action and outcome.',
      labelNames: ['action', 'outcome'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const { action, outcome, count } of read()) this.inc({ action, outcome }, count)
      },
    })
  }

  /** Of the backups that are declared, by the operator's own names for them. */
  watchBackups(read: () => Promise<readonly ObservedBackup[]>): void {
    let reading: Promise<readonly ObservedBackup[]> | undefined
    // Once for all of them. Without its store a process still has numbers to tell.
    const readOnce = () =>
      (reading ??= read()
        .catch(() => [])
        .finally(() => {
          reading = undefined
        }))
    const gauge = (name: string, help: string, valueOf: (backup: ObservedBackup) => number | undefined) =>
      new Gauge({
        name,
        help,
        labelNames: ['series'],
        registers: [this.#registry],
        // Every process reads the same store.
        aggregator: 'max',
        async collect() {
          this.reset()
          for (const backup of await readOnce()) {
            const value = valueOf(backup)
            if (value !== undefined) this.set({ series: backup.series }, value)
          }
        },
      })
    gauge('coffre_backup_last_success_seconds', 'When the last backup was whole, as a Unix time.', (backup) =>
      secondsOf(backup.lastSuccess?.endedAt),
    )
    gauge(
      'coffre_backup_last_size_bytes',
      'What the last backup takes on its target.',
      (backup) => backup.lastSuccess?.bytes,
    )
    gauge('coffre_backup_last_duration_seconds', 'How long the last backup took.', ({ lastSuccess }) =>
      lastSuccess === undefined
        ? undefined
        : (secondsOf(lastSuccess.endedAt) ?? 0) - (secondsOf(lastSuccess.startedAt) ?? 0),
    )
    gauge('coffre_backup_next_run_seconds', 'When the next backup is due, as a Unix time.', (backup) =>
      secondsOf(backup.nextAt),
    )
    gauge('coffre_backup_last_drill_seconds', 'When a drill last passed, as a Unix time.', ({ drills }) =>
      secondsOf(drills.passedAt),
    )
    gauge(
      'coffre_backup_trouble',
      '1 while the last run failed or was missed, or a drill that is declared failed or is overdue.',
      ({ health }) => (isTrouble(health) ? 1 : 0),
    )
    gauge('coffre_backup_failures_total', 'Runs that failed.', ({ failures }) => failures)
    gauge('coffre_backup_misses_total', 'Runs that nobody was there for.', ({ misses }) => misses)
  }

  /** Since the start of this process. */
  watchSessions(faults: () => Readonly<Record<string, number>>): void {
    new Counter({
      name: 'coffre_session_signature_errors_total',
      help: 'Session tokens that were refused, by cause.',
      labelNames: ['cause'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [cause, count] of Object.entries(faults())) this.inc({ cause }, count)
      },
    })
  }

  /** What `answerForGroup` then tells the parent. */
  shareWithParent(): void {
    AggregatorRegistry.setRegistries(this.#registry)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics()
  }
}

/** A worker answers its parent from its first moment on, before it has anything to tell: the parent waits for all. */
export function answerForGroup(): void {
  new AggregatorRegistry()
}

/** The numbers of all workers of this process together. */
export class GroupMetrics {
  readonly #all = new AggregatorRegistry()

  render(): Promise<string> {
    return this.#all.clusterMetrics()
  }
}
