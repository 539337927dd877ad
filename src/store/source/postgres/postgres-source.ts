import type { BackupSource, Measured, SourceCounts, SourceFacts, TableMeasure } from '../../backup-source.ts'
import { sourceFailed } from '../reasons.ts'
import { type Program, readProgram } from '../program.ts'
import { findTool, isTool, type Tool, type ToolName } from './client-tools.ts'
import {
  clientEnvironment,
  connect,
  type DatabasePlace,
  databaseOf,
  type Questions,
  withDatabase,
} from './connection.ts'
import { toBackupError } from './failure.ts'
import { measureDatabase } from './measure.ts'

/** `custom` is restored by pg_restore, as a whole or one table of it; `plain` is SQL that a person can read. */
export type DumpFormat = 'custom' | 'plain'

export interface PostgresSourceOptions extends DatabasePlace {
  readonly format?: DumpFormat
  /** Where to look for pg_dump before anywhere else. */
  readonly programs?: string
  /** Counts and sums up every row in the moment that is dumped, for a drill to compare with. It reads the database a second time. */
  readonly measure?: boolean
}

const FACTS = `select current_setting('server_version') as version, current_setting('server_version_num') as number,
  pg_encoding_to_char(encoding) as encoding, datcollate as collate, datctype as ctype,
  pg_database_size(oid) as bytes from pg_database where datname = current_database()`

/** One database, in one moment: pg_dump reads in one transaction of REPEATABLE READ. */
export function postgresSource(options: PostgresSourceOptions): BackupSource {
  const { format = 'custom', measure = false } = options
  let counts: SourceCounts = {}
  let tables: readonly TableMeasure[] = []
  return {
    kind: 'postgres',
    describe: async () => (await prepare(options, 'pg_dump', { format })).facts,
    async *read(signal) {
      const { tool } = await prepare(options, 'pg_dump', {})
      let moment: Moment | undefined
      try {
        moment = measure ? await Moment.begin(options) : undefined
        const args = [`--format=${format}`, '--no-password', ...(format === 'custom' ? ['--compress=0'] : [])]
        if (moment !== undefined) args.push(`--snapshot=${moment.snapshot}`)
        let bytes = 0
        for await (const piece of readProgram(programOf(tool, options, args), signal)) {
          bytes += piece.length
          yield piece
        }
        const measured = await moment?.measured
        counts = { bytes, ...measured?.counts }
        tables = measured?.tables ?? []
      } catch (error) {
        throw toBackupError('BACKUP_SOURCE_FAILED', error)
      } finally {
        await moment?.end()
      }
    },
    counts: () => counts,
    tables: () => tables,
  }
}

/** A database as it is now, in one moment, to compare a restored one with. */
export function measurePostgres(place: DatabasePlace): Promise<Measured> {
  return withDatabase(place, 'BACKUP_SOURCE_FAILED', async (questions) => {
    await questions.ask('begin isolation level repeatable read read only')
    return measureDatabase(questions)
  })
}

export interface GlobalsSourceOptions extends DatabasePlace {
  readonly programs?: string
  /** The hashes of the roles' passwords as well; only a superuser may read them. */
  readonly rolePasswords?: boolean
}

/** Roles and tablespaces, which belong to no database, as SQL. */
export function globalsSource(options: GlobalsSourceOptions): BackupSource {
  let counts: SourceCounts = {}
  return {
    kind: 'postgres-globals',
    describe: async () => (await prepare(options, 'pg_dumpall', {})).facts,
    async *read(signal) {
      const { tool } = await prepare(options, 'pg_dumpall', {})
      const args = ['--globals-only', '--no-password', `--database=${databaseOf(options.url)}`]
      if (options.rolePasswords !== true) args.push('--no-role-passwords')
      let bytes = 0
      try {
        for await (const piece of readProgram(programOf(tool, options, args), signal)) {
          bytes += piece.length
          yield piece
        }
      } catch (error) {
        throw toBackupError('BACKUP_SOURCE_FAILED', error)
      }
      counts = { bytes }
    },
    counts: () => counts,
  }
}

async function prepare(
  place: DatabasePlace & { readonly programs?: string },
  name: ToolName,
  more: SourceFacts,
): Promise<{ readonly facts: SourceFacts; readonly tool: Tool }> {
  const { programs, environment = process.env } = place
  const [row = {}] = await withDatabase(place, 'BACKUP_SOURCE_FAILED', ({ ask }) => ask(FACTS))
  const serverMajor = Math.floor(Number(row['number']) / 10_000)
  const tool = await findTool(name, serverMajor, { environment, folder: programs })
  if (!isTool(tool)) throw sourceFailed({ ...tool, server: row['version'] ?? '' })
  const facts = {
    database: databaseOf(place.url),
    host: new URL(place.url).hostname,
    server: row['version'] ?? '',
    serverMajor,
    client: tool.version,
    clientMajor: tool.major,
    encoding: row['encoding'] ?? '',
    collate: row['collate'] ?? '',
    ctype: row['ctype'] ?? '',
    bytes: Number(row['bytes']),
    ...more,
  }
  return { facts, tool }
}

function programOf({ path }: Tool, place: DatabasePlace, args: readonly string[]): Program {
  return { path, args, environment: clientEnvironment(place) }
}

/** A transaction that pg_dump joins, and in which everything is measured meanwhile. */
class Moment {
  readonly snapshot: string
  readonly measured: Promise<Measured>
  readonly #questions: Questions

  private constructor(questions: Questions, snapshot: string) {
    this.#questions = questions
    this.snapshot = snapshot
    this.measured = measureDatabase(questions)
    // Whoever reads to the end gets the error; who stops before does not ask.
    this.measured.catch(() => undefined)
  }

  static async begin(place: DatabasePlace): Promise<Moment> {
    const questions = await connect(place)
    try {
      await questions.ask('begin isolation level repeatable read read only')
      const [row] = await questions.ask('select pg_export_snapshot() as snapshot')
      return new Moment(questions, row?.['snapshot'] ?? '')
    } catch (error) {
      await questions.end()
      throw error
    }
  }

  end(): Promise<void> {
    return this.#questions.end()
  }
}
