import type { SchemaFacts, ServerFacts } from '../store.ts'
import { newestSchema } from '../sql/migration/migrations.ts'
import { toOpenError } from './postgres-errors.ts'
import { OLDEST_MAJOR, sessionConfig } from './session.ts'

const QUERY = `select current_setting('server_version_num') as version,
  current_setting('server_encoding') as encoding,
  current_setting('fsync') as fsync,
  current_setting('full_page_writes') as full_page_writes,
  current_setting('data_checksums') as data_checksums,
  current_setting('synchronous_commit') as synchronous_commit,
  to_regclass('migration')::text as migrations,
  (extract(epoch from clock_timestamp()) * 1000)::bigint as now`

/** Reads only, and also from a server with which Coffre would not work. Throws what opening a store throws. */
export async function examineServer(url: string, clock: () => number): Promise<SchemaFacts & ServerFacts> {
  const { default: pg } = await import('pg')
  const client = new pg.Client(sessionConfig(url))
  client.on('error', () => undefined)
  try {
    await client.connect()
    const before = clock()
    const { rows } = await client.query<Readonly<Record<string, string | null>>>(QUERY)
    const row = rows[0] ?? {}
    const text = (name: string) => row[name] ?? ''
    const schema =
      row['migrations'] === null
        ? undefined
        : (await client.query<{ newest: number }>('select max(number) as newest from migration')).rows[0]
    return {
      major: Math.floor(Number(text('version')) / 10_000),
      oldestMajor: OLDEST_MAJOR,
      encoding: text('encoding'),
      fsync: text('fsync'),
      fullPageWrites: text('full_page_writes'),
      dataChecksums: text('data_checksums'),
      synchronousCommit: text('synchronous_commit'),
      aheadMilliseconds: aheadOf(Number(row['now']), before, clock()),
      newest: newestSchema(),
      ...(schema === undefined ? {} : { schema: schema.newest }),
    }
  } catch (error) {
    throw toOpenError(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The server read its clock at some moment between these two of ours. */
function aheadOf(server: number, before: number, after: number): number {
  if (server > after) return server - after
  return Math.min(0, server - before)
}
