import { stat } from 'node:fs/promises'
import type { Invocation } from '../invocation.ts'
import type { Printer } from './printer.ts'
import { canShowProgress, writeTo } from './terminal.ts'

/** Oftener than this nobody reads it. */
export const REDRAW_MS = 100
export const CLEAR_LINE = '\r\u001b[2K'

const BAR_CHARACTERS = 24

/** Bytes of the file of --in; `undefined` where that is not known before. */
export async function inputSize(invocation: Invocation): Promise<number | undefined> {
  const path = invocation.options.text('in')
  if (path === undefined || path === '-') return undefined
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size > 0 ? found.size : undefined
}

type Unit = 'progress.lines' | 'progress.bytes' | 'progress.keys'

/** One line on a terminal that counts upwards, with a bar where the end is known; nothing anywhere else. */
export class Progress {
  readonly #printer: Printer
  readonly #startedAt = performance.now()
  readonly #unit: Unit
  readonly #total: number | undefined
  #isShown: boolean
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(printer: Printer, unit: Unit = 'progress.lines', total?: number) {
    this.#total = total
    this.#printer = printer
    this.#unit = unit
    this.#isShown = !printer.quiet && !printer.json && canShowProgress(printer.terminal)
  }

  /** Never rejects, so that nobody has to wait for it. */
  async show(count: number, total = this.#total): Promise<void> {
    const now = performance.now()
    if (!this.#isShown || now - this.#shownAt < REDRAW_MS) return
    this.#shownAt = now
    const seconds = Math.max((now - this.#startedAt) / 1_000, 0.001)
    const text = this.#printer.say(this.#unit, {
      count: this.#number(count),
      rate: this.#number(Math.round(count / seconds)),
    })
    await this.#draw(drawBar(count, total) + text)
  }

  async end(): Promise<void> {
    if (this.#isShown) await this.#draw('')
  }

  /** A terminal that went away ends the drawing, and not the work. */
  async #draw(text: string): Promise<void> {
    try {
      await writeTo(this.#printer.terminal.stderr, CLEAR_LINE + text)
    } catch {
      this.#isShown = false
    }
  }

  #number(value: number): string {
    return value.toLocaleString(this.#printer.catalogue.language)
  }
}

/** Nothing where the end is not known. */
export function drawBar(count: number, total: number | undefined): string {
  if (total === undefined || total === 0) return ''
  const share = Math.min(count / total, 1)
  const filled = Math.round(share * BAR_CHARACTERS)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_CHARACTERS - filled)}] ${Math.floor(share * 100)} % `
}
