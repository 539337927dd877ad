import type { TreeHead } from '../../crypto/transparency/checkpoint.ts'
import type { StoredCheckpoint } from '../../store/store.ts'
import { alertOf, type CheckpointAlert, type Checkpointer, type CheckpointSigner } from './checkpointer.ts'

/** Together the bound on a cut tail that no copy shows; docs/en/audit.md states it. */
const MAX_UNSIGNED_RECORDS = 1_000
const MAX_UNSIGNED_MS = 5_000
/** Under full load a checkpoint would follow the other; each costs two flushes of the disk. */
const MIN_PAUSE_MS = 200

export interface CheckpointHealth {
  /** -1 before the first of this process. */
  readonly size: number
  readonly alert?: CheckpointAlert
  readonly failures: number
}

/** When checkpoints are written: after so many records or so long, and whenever somebody asks. */
export class CheckpointSchedule {
  readonly #checkpointer: Checkpointer
  readonly #onAlert: (alert: CheckpointAlert, error?: unknown) => void
  #signer: CheckpointSigner | undefined
  /** Present from `begin` to `end`. */
  #openSigner: (() => Promise<CheckpointSigner>) | undefined
  #unsigned = 0
  #timer: NodeJS.Timeout | undefined
  #lastWrite: Promise<unknown> = Promise.resolve()
  #alert: CheckpointAlert | undefined
  #failures = 0

  constructor(parts: {
    readonly makeCheckpointer: (onAlert: (alert: CheckpointAlert, error?: unknown) => void) => Checkpointer
    readonly onAlert?: (alert: CheckpointAlert, error?: unknown) => void
  }) {
    this.#onAlert = parts.onAlert ?? (() => undefined)
    this.#checkpointer = parts.makeCheckpointer((alert, error) => this.#raise(alert, error))
  }

  get health(): CheckpointHealth {
    const { size } = this.#checkpointer.written
    return { size, failures: this.#failures, ...(this.#alert === undefined ? {} : { alert: this.#alert }) }
  }

  /**
   * From now on there is a key to sign with. The first checkpoint waits its turn: whoever opens a Coffre for one
   * operation gets by with the one at its end.
   */
  begin(open: () => Promise<CheckpointSigner>): Promise<void> {
    this.#openSigner = open
    this.#signer = undefined
    const begun = this.#lastWrite.then(async () => {
      try {
        this.#signer = await open()
      } catch (error) {
        this.#raise('unsigned', error)
      }
    })
    this.#lastWrite = begun
    this.#startTimer(MAX_UNSIGNED_MS)
    return begun
  }

  /** A last checkpoint, then none until `begin`. It takes no longer than `MAX_UNSIGNED_MS`. */
  async end(): Promise<void> {
    this.#stopTimer()
    const timeout = Promise.withResolvers<void>()
    const timer = setTimeout(timeout.resolve, MAX_UNSIGNED_MS)
    await Promise.race([this.#writeQuietly(), timeout.promise])
    clearTimeout(timer)
    this.#stopTimer()
    this.#signer = undefined
    this.#openSigner = undefined
  }

  /** Records that were handed to a commit; whether it went through, the next checkpoint sees. */
  appended(count: number): void {
    this.#unsigned += count
    if (this.#openSigner === undefined) return
    if (this.#unsigned >= MAX_UNSIGNED_RECORDS && this.#unsigned - count < MAX_UNSIGNED_RECORDS) {
      this.#stopTimer()
    }
    this.#startTimer(this.#unsigned >= MAX_UNSIGNED_RECORDS ? MIN_PAUSE_MS : MAX_UNSIGNED_MS)
  }

  /** Now, whatever the schedule says. Throws what went wrong; `undefined` while sealed. */
  write(restored?: TreeHead): Promise<StoredCheckpoint | undefined> {
    const write = async (): Promise<StoredCheckpoint | undefined> => {
      this.#signer ??= await this.#openSigner?.()
      const signer = this.#signer
      if (signer === undefined) return undefined
      this.#unsigned = 0
      const before = this.#failures
      const checkpoint = await this.#checkpointer.write(signer, restored)
      if (this.#failures === before) this.#alert = undefined
      return checkpoint
    }
    // One after another: each continues what the one before has verified.
    const written = this.#lastWrite.then(write)
    this.#lastWrite = written.catch(() => undefined)
    return written
  }

  async #writeQuietly(): Promise<void> {
    this.#stopTimer()
    try {
      await this.write()
    } catch (error) {
      this.#raise(alertOf(error), error)
    }
    if (this.#alert !== undefined && this.#openSigner !== undefined) this.#startTimer(MAX_UNSIGNED_MS)
  }

  #raise(alert: CheckpointAlert, error?: unknown): void {
    this.#failures += 1
    // Once for each trouble, not once for each attempt.
    if (this.#alert !== alert) this.#onAlert(alert, error)
    this.#alert = alert
  }

  #startTimer(milliseconds: number): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.#writeQuietly(), milliseconds)
    // A process that ends otherwise closes its Coffre, which writes one; a forgotten one must not stay.
    this.#timer.unref()
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
