import type { RestoreTarget, SourceCounts, SourceFacts, TableMeasure } from '../../backup-source.ts'
import { restoreRefused } from '../reasons.ts'
import { checkList } from './archive.ts'
import { type Program, feedProgram } from '../program.ts'
import { findTool, isTool, type Tool } from './client-tools.ts'
import { clientEnvironment, type DatabasePlace, databaseOf, inDatabase, withDatabase } from './connection.ts'
import {
  createDatabase,
  dropDatabase,
  lookAtServer,
  markDatabase,
  quoteName,
  type ServerState,
  swapDatabases,
} from './databases.ts'
import { toBackupError } from './failure.ts'
import { measureDatabase } from './measure.ts'

export interface PostgresTargetOptions extends DatabasePlace {
  /** Unique to this restore: part of the names of the databases that it makes and leaves. */
  readonly id: string
  readonly programs?: string
  /** A database that is there and not empty gives its name to the new one, and keeps its content under another. */
  readonly replace?: boolean
  /** The database that was replaced is dropped. */
  readonly dropBefore?: boolean
  /** Ends the connections of others to a database that is replaced. */
  readonly force?: boolean
  /** Everything belongs to who restores it, and no privileges are given: for a server without the roles of the old one. */
  readonly noOwners?: boolean
  /** One table, as `schema.table`, of a `custom` backup; without its indexes and constraints. */
  readonly table?: string
  /** A plain dump is a script, and psql runs whatever stands in it, commands of the shell included. */
  readonly runsScript?: boolean
  /** Sums up what was restored, to compare with the counts of a source that measured. */
  readonly measure?: boolean
  /** A database for a drill: `abandon` drops it also after `commit`. */
  readonly isScratch?: boolean
}

const MAX_NAME_BYTES = 63

/** A new database, which takes the name of the target when it is whole. */
export function postgresTarget(options: PostgresTargetOptions): RestoreTarget {
  return new PostgresTarget(options)
}

class PostgresTarget implements RestoreTarget {
  readonly kind = 'postgres'
  readonly #options: PostgresTargetOptions
  readonly #name: string
  readonly #quarantine: string
  readonly #before: string
  #tool: Tool | undefined
  #isPlain = false
  #facts: SourceFacts = {}
  #tables: readonly TableMeasure[] = []
  /** The database of ours that is to be dropped. */
  #made: string | undefined

  constructor(options: PostgresTargetOptions) {
    this.#options = options
    this.#name = databaseOf(options.url)
    this.#quarantine = derivedName(this.#name, `_restore_${options.id}`)
    this.#before = derivedName(this.#name, `_before_${options.id}`)
  }

  async prepare(facts: SourceFacts): Promise<void> {
    this.#facts = facts
    this.#isPlain = facts['format'] === 'plain'
    this.#requireOptions()
    const state = await withDatabase(this.#maintenance, 'RESTORE_REFUSED', (questions) =>
      lookAtServer(questions, this.#name),
    )
    this.#requireServer(state)
    this.#tool = await this.#requireTool(Number(facts['clientMajor'] ?? state.major))
    if (!state.exists) return
    const isEmpty = await withDatabase(
      this.#options,
      'RESTORE_REFUSED',
      async ({ ask }) => (await ask(RELATIONS)).length === 0,
    )
    this.#requireReplaceable(state, isEmpty)
  }

  async receive(plaintext: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SourceCounts> {
    let bytes = 0
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of plaintext) {
        bytes += piece.length
        yield piece
      }
    }
    try {
      await withDatabase(this.#maintenance, 'RESTORE_FAILED', (questions) =>
        createDatabase(questions, this.#quarantine, this.#facts),
      )
      this.#made = this.#quarantine
      await withDatabase(this.#maintenance, 'RESTORE_FAILED', (questions) =>
        markDatabase(questions, this.#quarantine),
      )
      await this.#makeSchema()
      if (this.#isPlain) await feedProgram(this.#script(), counted(), signal)
      else await feedProgram(this.#restore(), checkList(this.#list(), counted(), signal), signal)
      if (this.#options.measure !== true) return { bytes }
      const place = { ...this.#options, url: inDatabase(this.#options.url, this.#quarantine) }
      const measured = await withDatabase(place, 'RESTORE_FAILED', measureDatabase)
      this.#tables = measured.tables
      return { bytes, ...measured.counts }
    } catch (error) {
      throw toBackupError('RESTORE_FAILED', error)
    }
  }

  tables(): readonly TableMeasure[] {
    return this.#tables
  }

  async commit(): Promise<SourceFacts> {
    const { force = false, dropBefore = false } = this.#options
    const { isScratch = false } = this.#options
    const names = { from: this.#quarantine, to: this.#name, before: this.#before, isScratch }
    const isKept = await swapDatabases(this.#maintenance, names, { force })
    this.#made = isScratch ? this.#name : undefined
    if (!isKept) return { database: this.#name }
    if (!dropBefore) return { database: this.#name, before: this.#before }
    await withDatabase(this.#maintenance, 'RESTORE_FAILED', (questions) =>
      dropDatabase(questions, this.#before),
    )
    return { database: this.#name, dropped: this.#before }
  }

  async abandon(): Promise<void> {
    const made = this.#made
    if (made === undefined) return
    await withDatabase(this.#maintenance, 'RESTORE_FAILED', (questions) => dropDatabase(questions, made))
    this.#made = undefined
  }

  get #maintenance(): DatabasePlace {
    return { ...this.#options, url: inDatabase(this.#options.url, 'postgres') }
  }

  #requireOptions(): void {
    const { table, runsScript = false } = this.#options
    if (this.#name === '' || this.#name === 'postgres')
      throw restoreRefused({ reason: 'the URL has to name the database to restore, other than postgres' })
    if (!this.#isPlain) return
    if (table !== undefined) throw restoreRefused({ reason: 'a plain dump is restored as a whole' })
    if (!runsScript) {
      const reason = 'a plain dump is a script, and everything that stands in it would be run'
      throw restoreRefused({ reason, option: '--run-script' })
    }
  }

  #requireServer({ major, mayCreate }: ServerState): void {
    const from = Number(this.#facts['serverMajor'] ?? 0)
    if (from > major)
      throw restoreRefused({
        reason: 'the server is older than that of the backup',
        server: major,
        needed: from,
      })
    if (!mayCreate)
      throw restoreRefused({ reason: 'this user may not create databases', grant: 'ALTER ROLE … CREATEDB' })
  }

  #requireReplaceable({ others }: ServerState, isEmpty: boolean): void {
    const { replace = false, force = false, table } = this.#options
    const database = this.#name
    if (!isEmpty && table !== undefined)
      throw restoreRefused({
        reason: 'one table would take the place of a whole database: name a new one',
        database,
      })
    if (!isEmpty && !replace)
      throw restoreRefused({ reason: 'the database exists and is not empty', database, option: '--replace' })
    if (others > 0 && !force)
      throw restoreRefused({
        reason: 'others are connected to the database',
        database,
        others,
        option: '--force',
      })
  }

  async #requireTool(atLeast: number): Promise<Tool> {
    const { environment = process.env, programs } = this.#options
    const tool = await findTool(this.#isPlain ? 'psql' : 'pg_restore', atLeast, {
      environment,
      folder: programs,
    })
    if (!isTool(tool)) throw restoreRefused(tool)
    return tool
  }

  /** An archive has the schema of a table as an entry of its own, which is not restored with the table. */
  async #makeSchema(): Promise<void> {
    const [schema] = splitTable(this.#options.table)
    if (schema === undefined) return
    const place = { ...this.#options, url: inDatabase(this.#options.url, this.#quarantine) }
    await withDatabase(place, 'RESTORE_FAILED', ({ ask }) =>
      ask(`create schema if not exists ${quoteName(schema)}`),
    )
  }

  #list(): Program {
    return this.#program(['--list'])
  }

  /** From a pipe, which an archive of pg_dump allows, but for several jobs at once. */
  #restore(): Program {
    const { noOwners = false, table } = this.#options
    const [schema, name] = splitTable(table)
    return this.#program([
      '--exit-on-error',
      '--no-password',
      `--dbname=${this.#quarantine}`,
      ...(noOwners ? ['--no-owner', '--no-privileges'] : []),
      ...(name === undefined ? [] : [`--table=${name}`]),
      ...(schema === undefined ? [] : [`--schema=${schema}`]),
    ])
  }

  #script(): Program {
    return this.#program([
      '--no-psqlrc',
      '--quiet',
      '--no-password',
      '--set=ON_ERROR_STOP=1',
      `--dbname=${this.#quarantine}`,
    ])
  }

  #program(args: readonly string[]): Program {
    if (this.#tool === undefined) throw new Error('unreachable: prepare comes before receive')
    return { path: this.#tool.path, args, environment: clientEnvironment(this.#options) }
  }
}

/** Whatever a user can have made. */
const RELATIONS = `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname <> 'information_schema' and n.nspname !~ '^pg_' limit 1`

function splitTable(table: string | undefined): readonly [schema?: string | undefined, name?: string] {
  if (table === undefined) return []
  const dot = table.indexOf('.')
  return dot === -1 ? [undefined, table] : [table.slice(0, dot), table.slice(dot + 1)]
}

/** The end of it is what tells it from others, so the name is cut before. */
function derivedName(name: string, end: string): string {
  const room = MAX_NAME_BYTES - Buffer.byteLength(end)
  return (
    Buffer.from(name)
      .subarray(0, room)
      .toString()
      .replace(/\uFFFD$/, '') + end
  )
}
