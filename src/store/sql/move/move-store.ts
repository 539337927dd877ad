import { CoffreError } from '../../../model/errors.ts'
import { commitWork } from '../commit-work.ts'
import type { SqlEngine } from '../engine.ts'
import { type MoveState, readMove, writeMove } from './move-state.ts'
import {
  compareTable,
  countRows,
  emptyTable,
  lastRow,
  type MovedTable,
  readPage,
  writeRows,
} from './move-tables.ts'

export interface MoveProgress {
  readonly step: 'copy' | 'compare'
  readonly rows: number
  readonly of: number
}

export interface MoveParts {
  readonly source: SqlEngine
  readonly target: SqlEngine
  /** In an order in which every row follows those that it refers to. */
  readonly tables: readonly MovedTable[]
  /** Unique to this move; one that was interrupted keeps its own. */
  readonly move: string
  /** As people know them; no password. */
  readonly names: { readonly source: string; readonly target: string }
  readonly tell: (progress: MoveProgress) => void
  /** Whether the audit log verifies in the target. */
  readonly verifyTarget: () => Promise<boolean>
}

/**
 * Copies everything, compares everything, then closes the source and opens the target. Interrupted anywhere it goes
 * on where it was; until it is done nobody works with the target, and afterwards nobody with the source.
 */
export async function moveStore(parts: MoveParts): Promise<{ readonly rows: number }> {
  const { source, target, tables, names, tell } = parts
  const move = await beginMove(parts)
  let total = 0
  for (const table of tables) total += await countRows(source.reader, table)
  let done = 0
  for (const table of tables) {
    await copyTable(parts, table, (rows) => tell({ step: 'copy', rows: (done += rows), of: total }))
  }
  let compared = 0
  for (const table of tables) {
    await compareTable({ source: source.reader, target: target.reader }, table, (rows) =>
      tell({ step: 'compare', rows: (compared += rows), of: total }),
    )
  }
  if (!(await parts.verifyTarget())) throw new CoffreError('AUDIT_DAMAGED', { facts: { part: 'copy' } })
  // In this order: if we die between the two, neither is served, and another run finishes it.
  await mark(source, { role: 'source', state: 'done', move, peer: names.target })
  await mark(target, { role: 'target', state: 'done', move, peer: names.source })
  return { rows: compared }
}

/** Answers the name of the move: of the one that was interrupted, or a new one into an empty target. */
async function beginMove(parts: MoveParts): Promise<string> {
  const { source, target, tables, names } = parts
  const [from, to] = [await readMove(source.reader), await readMove(target.reader)]
  if (from?.role === 'source' && to?.role === 'target' && from.move === to.move) {
    if (to.state === 'done') throw new CoffreError('STORE_MOVED', { facts: { to: names.target } })
    return from.move
  }
  if (from?.role === 'source' && from.state === 'done') {
    throw new CoffreError('STORE_MOVED', { facts: { to: from.peer } })
  }
  await requireEmpty(parts, to)
  await mark(target, { role: 'target', state: 'moving', move: parts.move, peer: names.source })
  // What a move that was given up has left there.
  for (const table of tables.toReversed()) await commitWork(target.writer, (db) => emptyTable(db, table))
  await mark(source, { role: 'source', state: 'moving', move: parts.move, peer: names.target })
  return parts.move
}

/** A target that was never served may be begun again; any other must hold nothing. */
export async function requireEmpty(
  { target, tables }: Pick<MoveParts, 'target' | 'tables'>,
  state: MoveState | undefined,
): Promise<void> {
  if (state?.role === 'target' && state.state === 'moving') return
  for (const table of tables) {
    if (table.name === 'change_head' || (await countRows(target.reader, table)) === 0) continue
    throw new CoffreError('CONFIG_REFUSED', { facts: { target: 'an empty database', table: table.name } })
  }
}

async function mark(engine: SqlEngine, state: MoveState): Promise<void> {
  await commitWork(engine.writer, (db) => writeMove(db, state))
}

async function copyTable(parts: MoveParts, table: MovedTable, tell: (rows: number) => void): Promise<void> {
  const { source, target } = parts
  let after = table.name === 'change_head' ? undefined : await lastRow(target.reader, table)
  for (;;) {
    const page = await readPage(source.reader, table, after)
    const last = page.at(-1)
    if (last === undefined) return
    await commitWork(target.writer, (db) => writeRows(db, table, page))
    tell(page.length)
    after = last
  }
}
