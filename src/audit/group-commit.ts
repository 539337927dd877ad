import { CoffreError } from '../model/errors.ts'

/** Longer than any healthy commit, shorter than a caller's patience. */
const MAX_WAIT_MS = 2_000
/** How late the answer may be: one check more. */
const CHECKS_PER_WAIT = 20
/** One transaction's worth; more wait for the next. */
const MAX_GROUP = 1_000
/** Beyond this the store is not keeping up, and a quick refusal is better than a long queue. */
const MAX_WAITING = 20_000

interface Waiting<Item> {
  readonly item: Item
  readonly since: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers what arrives while a commit runs and writes it as one. Answers within MAX_WAIT_MS whatever the
 * store does; a late commit may then have recorded an operation whose result was dropped, never the reverse.
 */
export class GroupCommit<Item> {
  readonly #write: (items: readonly Item[]) => Promise<void>
  readonly #maxWaitMs: number
  #waiting: Waiting<Item>[] = []
  #committing: readonly Waiting<Item>[] = []
  #running = false
  #watch: NodeJS.Timeout | undefined

  constructor(write: (items: readonly Item[]) => Promise<void>, maxWaitMs = MAX_WAIT_MS) {
    this.#write = write
    this.#maxWaitMs = maxWaitMs
  }

  add(item: Item): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(unavailable())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, since: performance.now(), resolve, reject })
      this.#watch ??= setInterval(() => this.#giveUp(), this.#maxWaitMs / CHECKS_PER_WAIT)
      if (this.#running) return
      this.#running = true
      // After the I/O of this turn, so that requests that arrived together share a commit.
      setImmediate(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#committing = this.#waiting.slice(0, MAX_GROUP)
      this.#waiting = this.#waiting.slice(this.#committing.length)
      await this.#commit(this.#committing)
    }
    this.#stopWatch()
    this.#committing = []
    this.#running = false
  }

  async #commit(group: readonly Waiting<Item>[]): Promise<void> {
    try {
      await this.#write(group.map((each) => each.item))
      for (const each of group) each.resolve()
    } catch (cause) {
      for (const each of group) each.reject(unavailable(cause))
    }
  }

  /** Settling twice is harmless: the first wins. */
  #giveUp(): void {
    const oldest = performance.now() - this.#maxWaitMs
    let young = 0
    for (const queue of [this.#committing, this.#waiting]) {
      for (const each of queue) {
        if (each.since < oldest) each.reject(unavailable())
        else young += 1
      }
    }
    // A store that never answers must not keep the process alive.
    if (young === 0) this.#stopWatch()
  }

  #stopWatch(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
  }
}

function unavailable(cause?: unknown): CoffreError {
  return new CoffreError('AUDIT_UNAVAILABLE', { cause })
}
