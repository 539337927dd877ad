import type { ClientBase, ClientConfig } from 'pg'
import { CoffreError } from '../../model/errors.ts'

/**
 * A node that stops inside a transaction holds the writer's lock; the server ends its session after this and
 * lets the others go on. Between two statements we only compute, for milliseconds.
 */
const MAX_IDLE_IN_TRANSACTION_MS = 4_000
/** Longer than a stopped node can hold the lock. */
const MAX_LOCK_WAIT_MS = 10_000
const MAX_STATEMENT_MS = 15_000
/** When the server itself is stopped or cut off, nobody else ends our waiting. */
const MAX_ANSWER_WAIT_MS = 20_000
const CONNECT_TIMEOUT_MS = 5_000
const KEEP_ALIVE_MS = 10_000
/** Older ones lack `gen_random_uuid()` or get no more security fixes. */
export const OLDEST_MAJOR = 14

/** Type numbers of PostgreSQL's catalogue pg_type, which never change. */
const INT8 = 20
const BYTEA = 17

/** What does not depend on the person who configures the server. */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'public',
  TimeZone: 'UTC',
  default_transaction_isolation: 'read\\ committed',
  default_transaction_deferrable: 'off',
  row_security: 'on',
  // The server finds out that a node is gone, whose locks would wait for the kernel's two hours otherwise.
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
}

/** Settings of every connection. `url` may leave the password to PGPASSWORD or .pgpass. */
export function sessionConfig(url: string): ClientConfig {
  return {
    connectionString: url,
    ...(needsTls(parseUrl(url)) ? { ssl: true } : {}),
    fallback_application_name: 'coffre',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    idle_in_transaction_session_timeout: MAX_IDLE_IN_TRANSACTION_MS,
    lock_timeout: MAX_LOCK_WAIT_MS,
    statement_timeout: MAX_STATEMENT_MS,
    query_timeout: MAX_ANSWER_WAIT_MS,
    options: Object.entries(SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: { getTypeParser: typeParser },
  }
}

/** Of a URL. `options` and the time-outs would replace ours. */
const PARAMETERS = new Set(
  'host application_name sslmode sslrootcert sslcert sslkey sslnegotiation'.split(' '),
)

/** Throws CONFIG_REFUSED, without repeating anything of the URL, which may hold a password. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol))
    throw refused('postgres://user@host/database')
  const strays = [...url.searchParams.keys()].filter((name) => !PARAMETERS.has(name))
  if (strays.length > 0) throw refused(`only these parameters, and no options: ${[...PARAMETERS].join(', ')}`)
  return url
}

function refused(expected: string): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { COFFRE_DATABASE_URL: expected } })
}

/** Beyond this machine a connection is encrypted and the server's name checked, unless the URL says otherwise. */
export function needsTls({ hostname, searchParams }: URL): boolean {
  const isLocal = /^(|localhost|127(\.\d{1,3}){3}|\[::1\]|%2f.*)$/i.test(hostname)
  return !isLocal && !['sslmode', 'host'].some((name) => searchParams.has(name))
}

type Parser = (text: string) => unknown

/** Values that the schema has: text, whole numbers and bytes. In text form, which is all that we ask for. */
function typeParser(type: number): Parser {
  if (type === INT8) return parseInt8
  return type === BYTEA ? parseBytea : (text) => text
}

function parseInt8(text: string): number {
  const value = Number(text)
  // Nothing of ours writes an integer that no double holds.
  if (!Number.isSafeInteger(value)) throw new CoffreError('STORE_DAMAGED', { facts: { part: 'integer' } })
  return value
}

/** The `hex` form, `\x…`, which is the default since 9.0. */
function parseBytea(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
}

/** Called on every new connection: after a failover it may be another server. Throws CONFIG_REFUSED. */
export async function checkServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query<Readonly<Record<string, string>>>(
    `select current_setting('server_version_num') as version,
      current_setting('fsync') as fsync,
      current_setting('full_page_writes') as full_page_writes,
      current_setting('server_encoding') as encoding,
      current_setting('synchronous_commit') as synchronous_commit`,
  )
  const [server] = rows
  if (server === undefined) throw new Error('unreachable: a select without a table has one row')
  const major = Math.floor(Number(server['version']) / 10_000)
  const facts = {
    ...(major < OLDEST_MAJOR ? { server_version: `${major}, at least ${OLDEST_MAJOR}` } : {}),
    // Without these a crash of the server may lose or tear what it has acknowledged.
    ...(server['fsync'] === 'on' ? {} : { fsync: 'off, must be on' }),
    ...(server['full_page_writes'] === 'on' ? {} : { full_page_writes: 'off, must be on' }),
    ...(server['encoding'] === 'UTF8' ? {} : { server_encoding: 'not UTF8' }),
  }
  if (Object.keys(facts).length > 0) throw new CoffreError('CONFIG_REFUSED', { facts })
  // `local` and `remote_…` are the operator's choice; `off` acknowledges what is not on the disk.
  if (server['synchronous_commit'] === 'off') await client.query('set synchronous_commit = on')
}
