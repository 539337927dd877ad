import { existsSync } from 'node:fs'
import type { ClientConfig } from 'pg'
import { needsTls, sessionConfig } from '../../postgres/session.ts'
import type { FailureCode } from '../reasons.ts'
import { toBackupError } from './failure.ts'

/** A database of a server, and what the server's own programs need to reach it. */
export interface DatabasePlace {
  readonly url: string
  /** Of this process; tests give their own. */
  readonly environment?: NodeJS.ProcessEnv
}

/** What programs get of our environment: there are secrets in it that are none of their business. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'TMPDIR', 'SYSTEMROOT', 'PGPASSFILE', 'KRB5CCNAME'] as const
const CONNECT_TIMEOUT_SECONDS = '10'
const SYSTEM_CERTIFICATES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
]
const FROM_PARAMETERS = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  host: 'PGHOST',
} as const

/** The name at the end of a URL. */
export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

export function inDatabase(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${encodeURIComponent(database)}`
  return other.href
}

/** For libpq (PostgreSQL's documentation, "Environment Variables"): arguments can be read by everybody on the machine. */
export function clientEnvironment({ url, environment = process.env }: DatabasePlace): NodeJS.ProcessEnv {
  const place = new URL(url)
  const password = decodeURIComponent(place.password) || environment['PGPASSWORD']
  const settings: Record<string, string> = {
    ...tlsSettings(place),
    ...withoutEmpty({
      PGHOST: decodeURIComponent(place.hostname).replace(/^\[(.*)\]$/, '$1'),
      PGPORT: place.port,
      PGUSER: decodeURIComponent(place.username),
      PGPASSWORD: password ?? '',
      PGDATABASE: databaseOf(url),
    }),
    ...withoutEmpty(
      Object.fromEntries(
        Object.entries(FROM_PARAMETERS).map(([name, variable]) => [
          variable,
          place.searchParams.get(name) ?? '',
        ]),
      ),
    ),
  }
  // An alias that only `pg` knows.
  if (settings['PGSSLMODE'] === 'no-verify') settings['PGSSLMODE'] = 'require'
  const passedOn = PASSED_ON.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]]],
  )
  return {
    ...Object.fromEntries(passedOn),
    ...settings,
    PGAPPNAME: 'coffre',
    PGCONNECT_TIMEOUT: CONNECT_TIMEOUT_SECONDS,
    // `ended` of client-program.ts reads what they say.
    LC_ALL: 'C',
  }
}

function withoutEmpty(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== ''))
}

/** The rule of our own connections. */
function tlsSettings(place: URL): Record<string, string> {
  if (!needsTls(place)) return {}
  const certificates = SYSTEM_CERTIFICATES.find((path) => existsSync(path))
  return {
    PGSSLMODE: 'verify-full',
    ...(certificates === undefined ? {} : { PGSSLROOTCERT: certificates }),
  }
}

type Row = Readonly<Record<string, string | null>>

/** A connection for questions and for what no program does. */
export interface Questions {
  readonly ask: (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>
  readonly end: () => Promise<void>
}

/** A backup may hold a transaction for hours. */
const PATIENT: ClientConfig = {
  idle_in_transaction_session_timeout: 0,
  statement_timeout: 0,
  query_timeout: 0,
}

/** Throws the errors of `pg`, and CONFIG_REFUSED. */
export async function connect({ url, environment = process.env }: DatabasePlace): Promise<Questions> {
  const { default: pg } = await import('pg')
  const password = new URL(url).password === '' ? environment['PGPASSWORD'] : undefined
  const config = { ...sessionConfig(url), ...PATIENT, ...(password === undefined ? {} : { password }) }
  const client = new pg.Client(config)
  // A lost connection is told by the question that it answers no more.
  client.on('error', () => undefined)
  await client.connect()
  return {
    ask: async (sql, values = []) => (await client.query<Row>(sql, [...values])).rows,
    end: () => client.end().catch(() => undefined),
  }
}

/** Runs `work` on a connection of its own, and says what went wrong in a backup's words. */
export async function withDatabase<Answer>(
  place: DatabasePlace,
  code: FailureCode,
  work: (questions: Questions) => Promise<Answer>,
): Promise<Answer> {
  let questions: Questions | undefined
  try {
    questions = await connect(place)
    return await work(questions)
  } catch (error) {
    throw toBackupError(code, error)
  } finally {
    await questions?.end()
  }
}
