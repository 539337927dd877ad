import { after, before, describe, test } from 'node:test'
import { openPostgresStore } from '../../../src/store/postgres/open-postgres-store.ts'
import { type PostgresRelease, PostgresServer } from '../../postgres-server.ts'
import { testStore } from './suite.ts'

/** The contract of a store on a real server. Every case begins in an empty schema. */
export function testPostgres(release: PostgresRelease): void {
  if (release.skip !== false) {
    test(`${release.name} keeps the contract of a store`, { skip: release.skip }, () => undefined)
    return
  }
  const server = new PostgresServer({ release })
  describe(release.name, () => {
    let url = ''
    before(async () => {
      await server.start()
      url = await server.makeDatabase()
    })
    after(() => server.remove())
    testStore(release.name, async () => {
      await empty(server, url)
      return {
        open: () => openPostgresStore({ url, random: () => 0.5 }),
        readEverything: () => readEveryTable(server, url),
        remove: async () => undefined,
      }
    })
  })
}

/** Much faster than another database. */
async function empty(server: PostgresServer, url: string): Promise<void> {
  const client = await server.connect(url)
  await client.query('drop schema public cascade; create schema public')
  await client.end()
}

/**
 * What a user of the database can read. Rows that an update left behind, and the server's log, hold old values
 * until the server has removed them; docs/design/store.md says so.
 */
async function readEveryTable(server: PostgresServer, url: string): Promise<Buffer> {
  const client = await server.connect(url)
  const { rows } = await client.query<{ table_name: string }>(
    `select table_name from information_schema.tables where table_schema = 'public'`,
  )
  const parts: Buffer[] = []
  for (const { table_name: table } of rows) {
    const answer = await client.query<Record<string, unknown>>(`select * from "${table}"`)
    for (const value of answer.rows.flatMap((row) => Object.values(row))) {
      parts.push(Buffer.isBuffer(value) ? value : Buffer.from(String(value)))
    }
  }
  await client.end()
  return Buffer.concat(parts)
}
