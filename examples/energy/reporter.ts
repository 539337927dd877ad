export const PHASES = ['write', 'rewrap', 'retire', 'compare'] as const

export type Phase = (typeof PHASES)[number]

/** What happened, one line each. */
export interface Note {
  readonly event: string
  readonly [fact: string]: string | number
}

export interface Reporter {
  note(note: Note): void
  progress(phase: Phase, done: number, total: number): void
  /** Clears a bar that is still there. */
  end(): void
}

const BAR_CHARACTERS = 32
const REDRAW_MS = 100
const CLEAR_LINE = '\r\u001b[2K'

/** On standard error: a bar on a terminal, else one JSON object per event, with counts when asked for. */
export function makeReporter(options: { readonly counts: boolean }): Reporter {
  return process.stderr.isTTY ? new Bar() : new JsonLines(options.counts)
}

class Bar implements Reporter {
  #drawnAt = Number.NEGATIVE_INFINITY

  note({ event, ...facts }: Note): void {
    const text = Object.entries(facts).map(([name, value]) => `${name} ${value}`)
    process.stderr.write(`${CLEAR_LINE}${[event, ...text].join(' · ')}\n`)
  }

  progress(phase: Phase, done: number, total: number): void {
    const now = performance.now()
    if (now - this.#drawnAt < REDRAW_MS && done < total) return
    this.#drawnAt = now
    const filled = Math.round((BAR_CHARACTERS * done) / Math.max(total, 1))
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_CHARACTERS - filled)
    process.stderr.write(
      `${CLEAR_LINE}${phase.padEnd(8)} ${bar} ${done.toLocaleString('en')}/${total.toLocaleString('en')}`,
    )
  }

  end(): void {
    process.stderr.write(CLEAR_LINE)
  }
}

class JsonLines implements Reporter {
  readonly #counts: boolean

  constructor(counts: boolean) {
    this.#counts = counts
  }

  note(note: Note): void {
    process.stderr.write(`${JSON.stringify(note)}\n`)
  }

  progress(phase: Phase, done: number, total: number): void {
    if (this.#counts) this.note({ event: 'progress', phase, done, total })
  }

  end(): void {}
}
