import type { BackupProgress } from '../../model/backup.ts'
import { formatBytes } from './backup-text.ts'
import type { Printer } from './printer.ts'
import { CLEAR_LINE, drawBar, REDRAW_MS } from './progress.ts'
import { canShowProgress, writeTo } from './terminal.ts'

/** Between two events for a program that asked for JSON, and for a log. */
const EVENT_MS = 1_000
const LOG_MS = 10_000
/** Before, the rate says nothing. */
const SETTLED_SECONDS = 1
const [MINUTE, HOUR] = [60, 3_600]

/**
 * On a terminal one line with a bar, the rate and the time that is left; anywhere else a line of JSON on standard error now
 * and then. What is over before the first is due says nothing, unless --json asked for it.
 */
export class BackupProgressLine {
  readonly #printer: Printer
  readonly #form: 'line' | 'events' | 'none'
  readonly #everyMs: number
  readonly #startedAt = performance.now()
  #toldAt = this.#startedAt
  #untold: BackupProgress | undefined
  #isGone = false

  constructor(printer: Printer) {
    this.#printer = printer
    this.#form = formOf(printer)
    this.#everyMs = this.#form === 'line' ? REDRAW_MS : printer.json ? EVENT_MS : LOG_MS
  }

  /** For `onProgress`. Throws nothing and leaves nothing to wait for. */
  readonly show = (progress: BackupProgress): void => {
    this.#untold = progress
    if (performance.now() - this.#toldAt >= this.#everyMs) this.#tell(progress)
  }

  async end(): Promise<void> {
    if (this.#form === 'line') await this.#write(CLEAR_LINE)
    if (this.#form === 'events' && this.#printer.json && this.#untold !== undefined) this.#tell(this.#untold)
  }

  #tell(progress: BackupProgress): void {
    this.#toldAt = performance.now()
    this.#untold = undefined
    if (this.#form === 'line') void this.#write(CLEAR_LINE + this.#line(progress))
    if (this.#form === 'events') void this.#write(`${JSON.stringify(this.#event(progress))}\n`)
  }

  #event({ isAbout, ...progress }: BackupProgress) {
    const { perSecond, secondsLeft } = this.#speed(progress)
    return {
      event: 'progress',
      ...progress,
      ...(isAbout && progress.of !== undefined ? { isAbout } : {}),
      perSecond: Math.round(perSecond),
      ...(secondsLeft === undefined ? {} : { secondsLeft: Math.round(secondsLeft) }),
    }
  }

  #line(progress: BackupProgress): string {
    const { columns = 0 } = this.#printer.terminal.stderr
    const text = this.#text(progress)
    const line = drawBar(progress.done, progress.of) + text
    if (columns === 0 || line.length < columns) return line
    // A line that wraps cannot be drawn over.
    return text.slice(0, columns - 1)
  }

  #text(progress: BackupProgress): string {
    const { unit, done, of, isAbout } = progress
    const say = this.#printer.say.bind(this.#printer)
    if (unit === 'backups') return say('progress.backups', { done, total: of ?? done })
    const { perSecond, secondsLeft } = this.#speed(progress)
    const shown = { done: this.#bytes(done), rate: this.#bytes(perSecond) }
    if (of === undefined || done > of) return say('progress.read', shown)
    const total = this.#bytes(of)
    if (secondsLeft === undefined) {
      return say(isAbout ? 'progress.readOfAbout' : 'progress.readOf', { ...shown, total })
    }
    const left = formatDuration(secondsLeft)
    return say(isAbout ? 'progress.leftAbout' : 'progress.left', { ...shown, total, left })
  }

  #speed({ done, of }: Pick<BackupProgress, 'done' | 'of'>) {
    const seconds = (performance.now() - this.#startedAt) / 1_000
    const perSecond = seconds > 0 ? done / seconds : 0
    const isKnown = of !== undefined && done <= of && perSecond > 0 && seconds >= SETTLED_SECONDS
    return { perSecond, secondsLeft: isKnown ? (of - done) / perSecond : undefined }
  }

  #bytes(value: number): string {
    return formatBytes(this.#printer, value)
  }

  /** A terminal that went away ends the drawing, and not the work. */
  async #write(text: string): Promise<void> {
    if (this.#isGone) return
    try {
      await writeTo(this.#printer.terminal.stderr, text)
    } catch {
      this.#isGone = true
    }
  }
}

function formOf(printer: Printer): 'line' | 'events' | 'none' {
  if (printer.quiet) return 'none'
  return !printer.json && canShowProgress(printer.terminal) ? 'line' : 'events'
}

/** `1 h 5 min`, `3 min 20 s`, `12 s`: the signs are the same in every language that we speak. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / HOUR), Math.floor((whole % HOUR) / MINUTE)]
  const parts = [`${hours} h`, `${minutes} min`, `${whole % MINUTE} s`]
  const from = hours > 0 ? 0 : minutes > 0 ? 1 : 2
  return parts
    .slice(from, from + 2)
    .join(' ')
    .replaceAll(' ', '\u00a0')
}
