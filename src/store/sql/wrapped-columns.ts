import { isAlgorithmName, isKeyPurpose } from '../../model/algorithm-name.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../model/ids.ts'
import { type RootGeneration, toWrapped, type Wrapped } from '../../model/wrapped.ts'
import type { WrappedRow } from '../store.ts'
import type { Database } from './schema.ts'
import { parseStored, toMember } from './stored-row.ts'

export interface WrappedPage {
  readonly root: RootGeneration
  readonly limit: number
}

export interface Rewrapped {
  readonly row: WrappedRow
  readonly to: RootGeneration
  readonly wrapped: Wrapped
}

/**
 * One table that holds something under the root key, in a column `wrapped`, with its generation in a column
 * `root`. A rotation of the root key reads, replaces and counts through these, so a table that is not in
 * WRAPPED_COLUMNS loses what it holds.
 */
export interface WrappedColumn {
  readonly table: string
  /** Rows under `root`. A row that was replaced is under another, so every page is the first one. */
  page(db: Database, page: WrappedPage): Promise<readonly WrappedRow[]>
  /** False when the row is not as it was read any more. */
  replace(db: Database, rewrapped: Rewrapped): Promise<boolean>
  count(db: Database, root: RootGeneration): Promise<number>
}

const keyVersions: WrappedColumn = {
  table: 'key_version',
  page: async (db, { root, limit }) => {
    const rows = await db
      .selectFrom('key_version')
      .innerJoin('key', 'key.id', 'key_version.key_id')
      .select(['key.tenant', 'key.algorithm', 'key.purpose', 'key_id', 'version', 'wrapped'])
      .where('root', '=', root)
      .where('wrapped', 'is not', null)
      .$narrowType<{ wrapped: Uint8Array }>()
      .orderBy('key_id')
      .orderBy('version')
      .limit(limit)
      .execute()
    return rows.map((row) =>
      parseStored('key_version', () => ({
        table: 'key_version',
        root,
        wrapped: toWrapped(row.wrapped),
        binding: {
          tenant: parseTenantId(row.tenant),
          keyId: parseKeyId(row.key_id),
          version: parseVersionNumber(row.version),
          algorithm: toMember(row.algorithm, isAlgorithmName),
          purpose: toMember(row.purpose, isKeyPurpose),
        },
      })),
    )
  },
  replace: async (db, { row, to, wrapped }) => {
    const updated = await db
      .updateTable('key_version')
      .set({ wrapped, root: to })
      .where('key_id', '=', row.binding.keyId)
      .where('version', '=', row.binding.version)
      .where('root', '=', row.root)
      .where('wrapped', 'is not', null)
      .executeTakeFirst()
    return updated.numUpdatedRows === 1n
  },
  count: async (db, root) => {
    const row = await db
      .selectFrom('key_version')
      .select((eb) => eb.fn.countAll<number | bigint | string>().as('rows'))
      .where('root', '=', root)
      .where('wrapped', 'is not', null)
      .executeTakeFirst()
    return Number(row?.rows ?? 0)
  },
}

/** Every place that holds something under the root key. */
const WRAPPED_COLUMNS: readonly WrappedColumn[] = [keyVersions]

/** At most `limit` rows under `root`, of whatever table. */
export async function listWrapped(db: Database, page: WrappedPage): Promise<readonly WrappedRow[]> {
  for (const column of WRAPPED_COLUMNS) {
    const rows = await column.page(db, page)
    if (rows.length > 0) return rows
  }
  return []
}

export async function replaceWrapped(db: Database, rewrapped: Rewrapped): Promise<boolean> {
  const column = WRAPPED_COLUMNS.find(({ table }) => table === rewrapped.row.table)
  if (column === undefined) throw new Error('unreachable: every row came from a column of the list')
  return column.replace(db, rewrapped)
}

export async function countWrapped(db: Database, root: RootGeneration): Promise<number> {
  const counts: number[] = []
  for (const column of WRAPPED_COLUMNS) counts.push(await column.count(db, root))
  return counts.reduce((sum, each) => sum + each, 0)
}
