import { basename } from 'node:path'
import type { BackupSource } from '../../../app-backup.ts'
import type { OptionRow } from '../../command-row.ts'
import { openInput } from '../../input/read-input.ts'
import { chooseDatabase } from '../../input/store-setting.ts'
import type { Invocation } from '../../invocation.ts'
import { IN } from '../../line/option-rows.ts'
import { inputSize } from '../../output/progress.ts'
import { requireFolder } from '../../place.ts'
import { readDatabasePlace } from './database-place.ts'

const DUMP_FORMATS = ['custom', 'plain'] as const
const KINDS = ['postgres', 'sqlite', 'files', 'store', 'in'] as const

/** What a backup is made of. */
export const SOURCE_OPTIONS: readonly OptionRow[] = [
  { flags: '--postgres <url>', help: 'option.backupPostgres' },
  { flags: '--format <format>', help: 'option.dumpFormat', choices: DUMP_FORMATS },
  { flags: '--globals', help: 'option.backupGlobals' },
  { flags: '--sqlite <file>', help: 'option.backupSqlite' },
  { flags: '--files <path>', help: 'option.backupFiles', repeats: true },
  { flags: '--store', help: 'option.backupStore' },
  IN,
  { flags: '--name <text>', help: 'option.backupName' },
  { flags: '--measure', help: 'option.measure' },
]

/** One of a database, files, the Coffre's own store, --in; standard input where nothing is named. */
export async function chooseSource(invocation: Invocation): Promise<BackupSource> {
  const { options } = invocation
  for (const [at, kind] of KINDS.entries()) {
    for (const other of KINDS.slice(at + 1)) options.exclude(kind, other)
  }
  const sources = await import('../../../app-backup.ts')
  const measure = options.flag('measure')
  const database = await readDatabasePlace(invocation, 'postgres')
  if (database !== undefined) {
    if (options.flag('globals')) return sources.globalsSource(database)
    const format = options.choice('format', DUMP_FORMATS)
    return sources.postgresSource({ ...database, measure, ...(format === undefined ? {} : { format }) })
  }
  const sqlite = options.text('sqlite')
  if (sqlite !== undefined) return sources.sqliteSource({ path: sqlite, measure })
  const paths = options.list('files')
  if (paths.length > 0) return sources.filesSource({ paths })
  if (options.flag('store')) return storeSource(invocation)
  const path = options.text('in')
  const name = options.text('name') ?? (path === undefined || path === '-' ? 'stdin' : basename(path))
  const bytes = await inputSize(invocation)
  const expected = bytes === undefined ? {} : { expectedBytes: bytes }
  return sources.streamSource({ name, input: openInput(invocation), isOwned: true, ...expected })
}

/** Where the keys are: of a server its operator knows, so this is for who has the data folder or the database. */
export async function storeSource(invocation: Invocation): Promise<BackupSource> {
  const { options, terminal } = invocation
  const { coffreFolderSource, coffrePostgresSource } = await import('../../../app-backup.ts')
  const measure = options.flag('measure')
  const { databaseUrl } = await chooseDatabase(invocation)
  if (databaseUrl !== undefined) return coffrePostgresSource({ url: databaseUrl.reveal(), measure })
  const folder = requireFolder(options, terminal.environment, 'coffre backup create --store')
  return coffreFolderSource(folder, { measure })
}
