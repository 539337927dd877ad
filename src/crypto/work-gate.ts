import { CoffreError } from '../model/errors.ts'

/** Lets a few costly jobs run at once; the rest wait in order, and too many waiting are refused. */
export class WorkGate {
  readonly #slots: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(bounds: { readonly slots: number; readonly maxWaiting: number }) {
    this.#slots = bounds.slots
    this.#maxWaiting = bounds.maxWaiting
  }

  /** Throws BUSY when the queue is full; what `work` throws passes through. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#enter()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#slots) {
      this.#running += 1
      return
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new CoffreError('BUSY', { facts: { waiting: this.#maxWaiting } })
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    // A place passes straight to the next in line, so the count stays as it is.
    if (next === undefined) this.#running -= 1
    else next()
  }
}
