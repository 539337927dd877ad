import { openSync, readFileSync, writeSync } from 'node:fs'
import type { KeyView } from '../../src/model/coffre.ts'
import type { Kept, Ledger } from './invariants.ts'

/** One line of what a child asked and what it was answered. */
export type JournalEntry =
  | { readonly ask: string; readonly key?: string; readonly destroys?: number }
  | { readonly got: string; readonly view?: KeyView; readonly kept?: readonly Kept[] }

/**
 * Written with one system call for each entry: what a call has written is in the kernel and outlives kill -9, so an
 * answer is acknowledged once its line is here.
 */
export class JournalWriter {
  readonly #file: number
  readonly #afterAnswer: () => void

  /** `afterAnswer` is called when an answer is acknowledged. */
  constructor(path: string, afterAnswer: () => void = () => undefined) {
    this.#file = openSync(path, 'a')
    this.#afterAnswer = afterAnswer
  }

  write(entry: JournalEntry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`)
    if ('got' in entry) this.#afterAnswer()
  }
}

/** Adds what the file says to `ledger`. Answers how many operations were acknowledged. */
export function readJournal(path: string, ledger: Ledger): number {
  // A kill may have cut the last line; its answer was then not acknowledged.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  let acknowledged = 0
  for (const line of lines) {
    const entry = JSON.parse(line) as JournalEntry
    if ('ask' in entry) ask(ledger, entry)
    else {
      acknowledged += 1
      ledger.acknowledge(entry.got)
      if (entry.view !== undefined) ledger.settle(entry.view)
      for (const kept of entry.kept ?? []) ledger.keep(kept)
    }
  }
  return acknowledged
}

function ask(ledger: Ledger, entry: Extract<JournalEntry, { readonly ask: string }>): void {
  ledger.attempt(entry.ask)
  if (entry.key === undefined) return
  ledger.doubt(entry.key, entry.ask.replace(/^key\./, ''))
  if (entry.destroys !== undefined) ledger.destroy(entry.key, entry.destroys)
}
