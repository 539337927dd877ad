import type { Printer } from './printer.ts'
import { canShowProgress, writeTo } from './terminal.ts'

/** Oftener than this nobody reads it. */
const REDRAW_MS = 100
const CLEAR_LINE = '\r\u001b[2K'

/** One line on a terminal that counts upwards; nothing anywhere else. */
export class Progress {
  readonly #printer: Printer
  readonly #startedAt = performance.now()
  readonly #unit: 'progress.lines' | 'progress.bytes'
  readonly #isShown: boolean
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(printer: Printer, unit: 'progress.lines' | 'progress.bytes' = 'progress.lines') {
    this.#printer = printer
    this.#unit = unit
    this.#isShown = !printer.quiet && !printer.json && canShowProgress(printer.terminal)
  }

  async show(count: number): Promise<void> {
    const now = performance.now()
    if (!this.#isShown || now - this.#shownAt < REDRAW_MS) return
    this.#shownAt = now
    const seconds = Math.max((now - this.#startedAt) / 1_000, 0.001)
    const text = this.#printer.say(this.#unit, {
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
