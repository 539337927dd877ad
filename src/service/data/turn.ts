import { setImmediate } from 'node:timers/promises'

/** How long one batch may keep all other requests waiting. */
const MAX_TURN_MS = 10
/** Items between two looks at the clock: 50 ms of RSA-4096, far below a millisecond of AES-GCM. */
const SLICE_ITEMS = 32

/** The time that one batch has taken without letting others in between. */
export class Turn {
  #since = performance.now()

  /**
   * `items` in slices, with a pause for others before a slice whenever the turn was long. Keys may change in
   * a pause, so whoever takes a slice looks its key up again.
   */
  async *slices<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
    for (let start = 0; start < items.length; start += SLICE_ITEMS) {
      await this.pauseIfLong()
      yield items.slice(start, start + SLICE_ITEMS)
    }
  }

  async pauseIfLong(): Promise<void> {
    if (performance.now() - this.#since <= MAX_TURN_MS) return
    await setImmediate()
    this.#since = performance.now()
  }
}
