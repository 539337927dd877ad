import type { Change } from '../store/changes.ts'
import type { Store } from '../store/store.ts'

type ChangingStore = Pick<Store, 'readChangeCount' | 'listChanges' | 'watchChanges'>

/** Further behind than this, dropping everything is quicker than dropping one by one. */
const MAX_CHANGES = 1_000
/** The bound within which a change of another process is known when nothing announces it. */
const POLL_MS = 1_000

/** Before `start`: smaller than any count, so nothing passes for current. */
const UNKNOWN = -1

/** What keeps parts of the store in memory. */
export interface ChangeListener {
  forget(change: Change): void
  forgetAll(): void
}

/**
 * Follows the changes that any process commits, and has the caches drop what they are about. Whatever a cache
 * holds was read when at least `position` changes were committed.
 */
export class ChangeFeed {
  readonly #store: ChangingStore
  readonly #listeners = new Set<ChangeListener>()
  #position = UNKNOWN
  #running: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | undefined

  constructor(store: ChangingStore) {
    this.#store = store
  }

  /** Once, before anything that is kept in memory is relied on. Later calls answer at once. */
  async start(): Promise<void> {
    if (this.#position === UNKNOWN) await this.catchUp()
  }

  get position(): number {
    return this.#position
  }

  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** When it resolves, everything that was committed before the call is known. */
  catchUp(): Promise<void> {
    // One that has begun may have read too early for this caller; those who wait share the next.
    this.#waiting ??= this.#running.then(() => {
      this.#waiting = undefined
      const reading = this.#read()
      this.#running = reading.catch(() => undefined)
      return reading
    })
    return this.#waiting
  }

  /** Until the answer is called. A store that does not answer is asked again. */
  follow(): () => void {
    const stop = this.#store.watchChanges(() => void this.catchUp().catch(() => undefined))
    const timer = setInterval(() => void this.ask().catch(() => undefined), POLL_MS)
    timer.unref()
    return () => {
      clearInterval(timer)
      stop()
    }
  }

  /** As `catchUp`, and one small read where nothing has changed. */
  async ask(): Promise<void> {
    if ((await this.#store.readChangeCount()) !== this.#position) await this.catchUp()
  }

  async #read(): Promise<void> {
    const changes = await this.#store.listChanges(this.#position, MAX_CHANGES)
    const [first, last] = [changes[0], changes.at(-1)]
    if (first === undefined || last === undefined || first.seq !== this.#position + 1)
      return this.#startOver()
    if (changes.length === MAX_CHANGES) return this.#startOver()
    for (const change of changes) for (const listener of this.#listeners) listener.forget(change)
    this.#position = last.seq
  }

  /** Also when the count went down: somebody restored an older database under us. */
  async #startOver(): Promise<void> {
    const count = await this.#store.readChangeCount()
    if (count === this.#position) return
    for (const listener of this.#listeners) listener.forgetAll()
    this.#position = count
  }
}
