import { setImmediate } from 'node:timers/promises'

/** Below this, parsing takes less than a millisecond. */
const LARGE_BYTES = 256 * 1024

/** Large bodies that arrive together are parsed one in each turn of the event loop: others are answered in between. */
export class ParsingTurns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when a body of this length may be parsed. */
  async take(length: number): Promise<void> {
    if (length < LARGE_BYTES) return
    this.#last = this.#last.then(() => setImmediate())
    await this.#last
  }
}
