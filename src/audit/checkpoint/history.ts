import { type Checkpoint, parseCheckpoint } from '../../crypto/transparency/checkpoint.ts'
import { judgeNote, type VerifierKey } from '../../crypto/transparency/signed-note.ts'

/** The copy as docs/spec/audit-checkpoint.md describes it: whole notes, oldest first. */
export interface KeptCheckpoint {
  readonly checkpoint: Checkpoint
  readonly note: string
  /** Signed by a key of this log. `unknown`: by another log, or a generation that this database has not. */
  readonly verdict: 'signed' | 'unknown'
}

export interface History {
  readonly kept: readonly KeptCheckpoint[]
  /** Some of the text does not read, or a signature is wrong, or the order is not one that we write. */
  readonly isDamaged: boolean
}

export const EMPTY_HISTORY: History = { kept: [], isDamaged: false }

/** About 170 kB. */
const MAX_KEPT = 512

export function parseHistory(text: string, keys: readonly VerifierKey[]): History {
  if (text === '') return EMPTY_HISTORY
  const kept: KeptCheckpoint[] = []
  let isDamaged = !text.endsWith('\n')
  for (const note of splitNotes(text)) {
    const read = readKept(note, keys)
    if (read === undefined || !follows(kept.at(-1), read)) isDamaged = true
    if (read !== undefined) kept.push(read)
  }
  // A line is signed by one log: a changed name or key hash makes a stranger of its signature.
  const isForeign = keys.length > 0 && currentLine(kept).some(({ verdict }) => verdict !== 'signed')
  return { kept, isDamaged: isDamaged || isForeign }
}

/** Blocks between empty lines are by turns a text and its signatures. */
function splitNotes(text: string): readonly string[] {
  const blocks = text.replace(/\n$/, '').split('\n\n')
  const notes: string[] = []
  for (let at = 0; at < blocks.length; at += 2) notes.push(`${blocks[at] ?? ''}\n\n${blocks[at + 1] ?? ''}\n`)
  return notes
}

function readKept(note: string, keys: readonly VerifierKey[]): KeptCheckpoint | undefined {
  const parsed = parseCheckpoint(note)
  if (parsed === undefined) return undefined
  const verdict = judgeNote(parsed.note, keys)
  return verdict === 'forged' ? undefined : { checkpoint: parsed.checkpoint, note, verdict }
}

/** Within one line sizes only grow; a new line says itself what it gave up. */
function follows(before: KeptCheckpoint | undefined, next: KeptCheckpoint): boolean {
  if (before === undefined || beginsLine(next)) return true
  return next.checkpoint.size >= before.checkpoint.size
}

/** Adds a note at the end. Above the bound every second one of the older half goes, beginnings of lines excepted. */
export function addToHistory(history: History, added: KeptCheckpoint): History {
  const kept = [...history.kept, added]
  if (kept.length <= MAX_KEPT) return { ...history, kept }
  const thinned = kept.filter(
    ({ checkpoint }, at) => at >= MAX_KEPT / 2 || at % 2 === 0 || checkpoint.restored !== undefined,
  )
  return { ...history, kept: thinned }
}

export function formatHistory(history: History): string {
  return history.kept.map(({ note }) => note).join('\n')
}

/**
 * The checkpoints since the last accepted restore: those that the log has to agree with. Only our own signature
 * begins a new line.
 */
export function currentLine(kept: readonly KeptCheckpoint[]): readonly KeptCheckpoint[] {
  return kept.slice(Math.max(kept.findLastIndex(beginsLine), 0))
}

/** The one of the present line that says most, wherever it stands. */
export function newestOf(kept: readonly KeptCheckpoint[]): KeptCheckpoint | undefined {
  const sizes = currentLine(kept).toSorted((left, right) => left.checkpoint.size - right.checkpoint.size)
  return sizes.at(-1)
}

function beginsLine({ checkpoint, verdict }: KeptCheckpoint): boolean {
  return checkpoint.restored !== undefined && verdict === 'signed'
}
