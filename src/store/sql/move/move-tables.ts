import { sql } from 'kysely'
import { CoffreError } from '../../../model/errors.ts'
import type { Database } from '../schema.ts'

/** A table as the source describes it, so that tables of later versions move too. */
export interface MovedTable {
  readonly name: string
  readonly columns: readonly string[]
  /** In the order of the primary key. */
  readonly key: readonly string[]
}

export type Row = Readonly<Record<string, unknown>>

/** About 20 columns: far below PostgreSQL's 65,535 parameters, and one message of moderate size. */
const ROWS_PER_PAGE = 250

/** Rows behind `after` in the order of the key, which is the same on both sides: by bytes. */
export async function readPage(
  db: Database,
  table: MovedTable,
  after: Row | undefined,
): Promise<readonly Row[]> {
  const columns = sql.join(table.columns.map((column) => sql.ref(column)))
  const key = sql.join(table.key.map((column) => sql.ref(column)))
  const values = after === undefined ? undefined : sql.join(table.key.map((column) => after[column]))
  const behind = values === undefined ? sql`` : sql`where (${key}) > (${values})`
  const query = sql<Row>`select ${columns} from ${sql.table(table.name)} ${behind} order by ${key} limit ${sql.lit(ROWS_PER_PAGE)}`
  return (await query.execute(db)).rows
}

export async function lastRow(db: Database, table: MovedTable): Promise<Row | undefined> {
  const columns = sql.join(table.columns.map((column) => sql.ref(column)))
  const order = sql.join(table.key.map((column) => sql`${sql.ref(column)} desc`))
  const query = sql<Row>`select ${columns} from ${sql.table(table.name)} order by ${order} limit 1`
  return (await query.execute(db)).rows[0]
}

export async function countRows(db: Database, table: MovedTable): Promise<number> {
  const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.table(table.name)}`.execute(
    db,
  )
  return rows[0]?.rows ?? 0
}

/** Also over rows that are there: a migration writes some, and a move that was interrupted goes on. */
export async function writeRows(db: Database, table: MovedTable, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  const columns = sql.join(table.columns.map((column) => sql.ref(column)))
  const tuples = rows.map((row) => sql`(${sql.join(table.columns.map((column) => row[column]))})`)
  const key = sql.join(table.key.map((column) => sql.ref(column)))
  const others = table.columns.filter((column) => !table.key.includes(column))
  const changes = others.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`)
  const effect = changes.length === 0 ? sql`nothing` : sql`update set ${sql.join(changes)}`
  await sql`insert into ${sql.table(table.name)} (${columns}) values ${sql.join(tuples)}
    on conflict (${key}) do ${effect}`.execute(db)
}

export async function emptyTable(db: Database, table: MovedTable): Promise<void> {
  await sql`delete from ${sql.table(table.name)}`.execute(db)
}

/** Every row on both sides, value by value. Throws STORE_DAMAGED that names the table. */
export async function compareTable(
  sides: { readonly source: Database; readonly target: Database },
  table: MovedTable,
  tell: (rows: number) => void,
): Promise<void> {
  let after: Row | undefined
  do {
    const [left, right] = [
      await readPage(sides.source, table, after),
      await readPage(sides.target, table, after),
    ]
    const same = left.length === right.length && left.every((row, at) => isSameRow(row, right[at], table))
    if (!same) throw new CoffreError('STORE_DAMAGED', { facts: { table: table.name, part: 'copy' } })
    tell(left.length)
    after = left.at(-1)
  } while (after !== undefined)
}

function isSameRow(left: Row, right: Row | undefined, { columns }: MovedTable): boolean {
  return right !== undefined && columns.every((column) => isSameValue(left[column], right[column]))
}

function isSameValue(left: unknown, right: unknown): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0
  return left === right
}
