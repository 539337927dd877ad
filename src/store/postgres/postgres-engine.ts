import { Kysely } from 'kysely'
import type { ClientBase, Pool } from 'pg'
import type { SchemaWords, SqlEngine } from '../sql/engine.ts'
import { ANNOUNCEMENT, listenForChanges } from './change-listener.ts'
import { CommitLedger, NOW } from './commit-ledger.ts'
import { postgresDialect } from './postgres-driver.ts'
import { mayRunAgain } from './postgres-errors.ts'
import { checkServer, sessionConfig } from './session.ts'

/** Reads are single statements of less than a millisecond each. */
const MAX_READERS = 4
/** The queue of the store runs one transaction at a time; another connection asks what became of a lost one. */
const MAX_WRITERS = 2
/** A new connection takes about 10 ms, most of it for the password. */
const idleTimeoutMillis = 60_000

const WORDS: SchemaWords = {
  integer: 'bigint',
  bytes: 'bytea',
  text: 'text collate "C"',
  tableEnd: '',
  now: NOW,
}

/** The connections to one database. None is open before the first statement. */
export interface PostgresEngine extends SqlEngine {
  readonly ledger: CommitLedger
}

export async function openPostgresEngine(url: string): Promise<PostgresEngine> {
  // Loaded here: whoever keeps keys in a folder needs no PostgreSQL driver.
  const { default: pg } = await import('pg')
  const config = sessionConfig(url)
  const open = (max: number): Pool => watched(new pg.Pool({ ...config, max, idleTimeoutMillis, onConnect }))
  const [writers, readers] = [open(MAX_WRITERS), open(MAX_READERS)]
  const ledger = new CommitLedger(() => writers)
  return {
    writer: new Kysely({ dialect: postgresDialect(writers, ledger) }),
    reader: new Kysely({ dialect: postgresDialect(readers) }),
    words: WORDS,
    locksRows: true,
    ledger,
    mayRunAgain,
    announcement: ANNOUNCEMENT,
    watch: (listener) => listenForChanges(() => new pg.Client(config), listener),
    // What an update leaves in dead rows and in the log, only the server can remove.
    eraseTraces: () => true,
    close: async () => {
      await ledger.close()
      for (const pool of [readers, writers]) if (!pool.ending) await pool.end()
    },
  }
}

/** A connection that is lost while nobody uses it is replaced when one is needed. */
function watched(pool: Pool): Pool {
  return pool.on('error', () => undefined)
}

/** The pool waits for it, and gives out no connection for which it throws. */
async function onConnect(client: ClientBase): Promise<void> {
  // One that is lost while it is used says so in the answer of its statement.
  client.on('error', () => undefined)
  await checkServer(client)
}
