import type { Printer } from './printer.ts'
import { canShowProgress, writeTo } from './terminal.ts'

const CLEAR_LINE = '\r\u001b[2K'

/** One line on a terminal that counts upwards; nothing anywhere else. */
export class Progress {
  readonly #printer: Printer
  readonly #startedAt = performance.now()
  readonly #isShown: boolean

  constructor(printer: Printer) {
    this.#printer = printer
    this.#isShown = !printer.quiet && !printer.json && canShowProgress(printer.terminal)
  }

  async show(count: number): Promise<void> {
    if (!this.#isShown) return
    const seconds = Math.max((performance.now() - this.#startedAt) / 1_000, 0.001)
    const text = this.#printer.say('progress.lines', {
      count: this.#number(count),
      rate: this.#number(Math.round(count / seconds)),
    })
    await writeTo(this.#printer.terminal.stderr, CLEAR_LINE + text)
  }

  async end(): Promise<void> {
    if (this.#isShown) await writeTo(this.#printer.terminal.stderr, CLEAR_LINE)
  }

  #number(value: number): string {
    return value.toLocaleString(this.#printer.catalogue.language)
  }
}
