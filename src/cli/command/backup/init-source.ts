import { existsSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import type { BackupSource } from '../../../app-backup.ts'
import { CoffreError } from '../../../model/errors.ts'
import { Secret } from '../../../model/secret.ts'
import type { OptionRow } from '../../command-row.ts'
import { askChoice, askHidden, askText } from '../../input/prompt.ts'
import { readSecretFile } from '../../input/secret-file.ts'
import type { Invocation } from '../../invocation.ts'
import { chooseDatabase } from '../../input/store-setting.ts'
import { canAsk } from '../../output/terminal.ts'
import { choosePlace } from '../../place.ts'
import { UsageError } from '../../usage-error.ts'
import { storeSource } from './choose-source.ts'
import { isPostgresUrl } from './database-place.ts'

const KINDS = ['postgres-url-file', 'sqlite', 'files', 'store'] as const
type Kind = (typeof KINDS)[number]
const QUESTIONS = {
  'postgres-url-file': 'prompt.initPostgres',
  sqlite: 'prompt.initSqlite',
  files: 'prompt.initFiles',
  store: 'prompt.initStore',
} as const satisfies Readonly<Record<Kind, string>>
const CHOICES = KINDS.map((value) => ({ value, label: QUESTIONS[value] }))
/** Host, user, password, database and a few parameters. */
const MAX_URL_BYTES = 4_096

export const INIT_SOURCE_OPTIONS: readonly OptionRow[] = [
  { flags: '--postgres-url-file <file>', help: 'option.initPostgres' },
  { flags: '--sqlite <file>', help: 'option.backupSqlite' },
  { flags: '--files <path>', help: 'option.backupFiles', repeats: true },
  { flags: '--store', help: 'option.backupStore' },
]

/** What a new declaration backs up. */
export interface InitSource {
  /** A name for the series where nobody gave one. */
  readonly series: string
  /** `source` of the declaration. */
  readonly declares: object
  /** `drill` and `measure` of the declaration. */
  readonly drills: object
  readonly reads: BackupSource
  /** A URL with a password that was typed in, and where it goes. */
  readonly urlFile?: { readonly path: string; readonly url: Secret }
  /** The sheet of its seal key opens its backups, and then the Coffre: one sheet is enough. */
  readonly isSealedByFile: boolean
}

/** By the options, or by a question. `folder`: for a file with a URL that was typed in. */
export async function chooseInitSource(invocation: Invocation, folder: string): Promise<InitSource> {
  const { options, printer, terminal } = invocation
  for (const [at, kind] of KINDS.entries()) {
    for (const other of KINDS.slice(at + 1)) options.exclude(kind, other)
  }
  const given = KINDS.find((kind) => isGiven(invocation, kind))
  if (given === undefined && !canAsk(terminal)) {
    const [name, ...others] = KINDS.map((kind) => `--${kind}`)
    throw UsageError.of('usage.oneOf', { name: name ?? '', other: others.join(', ') })
  }
  const kind = given ?? (await askChoice(printer, 'prompt.initWhat', CHOICES))
  if (kind === 'postgres-url-file') return databaseSource(invocation, folder)
  if (kind === 'sqlite') return sqliteSourceOf(invocation)
  return kind === 'files' ? filesSourceOf(invocation) : ownSource(invocation)
}

function isGiven({ options }: Invocation, kind: Kind): boolean {
  return kind === 'files'
    ? options.list(kind).length > 0
    : options.text(kind) !== undefined || options.flag(kind)
}

/** The server of the database has room for one more now and then: a drill restores there. */
async function databaseSource(
  { options, printer, terminal }: Invocation,
  folder: string,
): Promise<InitSource> {
  const { postgresSource } = await import('../../../app-backup.ts')
  const path = options.text('postgres-url-file')
  const limit = { name: '--postgres-url-file', maximumBytes: MAX_URL_BYTES }
  const url =
    path === undefined
      ? new Secret((await askHidden(printer, 'prompt.initUrl')).trim())
      : await readSecretFile(terminal, path, limit)
  if (!isPostgresUrl(url.reveal())) {
    const expected = 'postgres://user:password@host/database'
    throw new CoffreError('CONFIG_REFUSED', { facts: { setting: limit.name, expected } })
  }
  const series = nameOf(decodeURIComponent(new URL(url.reveal()).pathname.slice(1)))
  // A parameter may be a password too.
  const { password, search } = new URL(url.reveal())
  const isOpen = password === '' && search === ''
  const typed = path === undefined && !isOpen ? join(folder, `${series}.url`) : undefined
  const file = path === undefined ? typed : resolve(path)
  const place = file === undefined ? { url: url.reveal() } : { urlFile: file }
  return {
    series,
    declares: { postgres: place },
    drills: { measure: true, drill: { scratch: place } },
    reads: postgresSource({ url: url.reveal() }),
    ...(typed === undefined ? {} : { urlFile: { path: typed, url } }),
    isSealedByFile: false,
  }
}

async function sqliteSourceOf({ options, printer }: Invocation): Promise<InitSource> {
  const { sqliteSource } = await import('../../../app-backup.ts')
  const path = resolve(options.text('sqlite') ?? (await askText(printer, 'prompt.initSqlitePath')))
  return {
    series: nameOf(basename(path, extname(path))),
    declares: { sqlite: path },
    drills: { measure: true, drill: true },
    reads: sqliteSource({ path }),
    isSealedByFile: false,
  }
}

async function filesSourceOf({ options, printer }: Invocation): Promise<InitSource> {
  const { filesSource } = await import('../../../app-backup.ts')
  const given = options.list('files')
  const named = given.length > 0 ? given : [await askText(printer, 'prompt.initFolder')]
  const paths = named.map((path) => resolve(path))
  return {
    series: nameOf(basename(paths[0] ?? '')),
    declares: { files: paths },
    drills: { drill: true },
    reads: filesSource({ paths }),
    isSealedByFile: false,
  }
}

async function ownSource(invocation: Invocation): Promise<InitSource> {
  const { options, terminal } = invocation
  const reads = await storeSource(invocation)
  const place = choosePlace(options, terminal.environment)
  // Its drills need a server that somebody has to name.
  const isOnServer = (await chooseDatabase(invocation)).databaseUrl !== undefined
  return {
    series: 'coffre',
    declares: { store: true },
    drills: { measure: true, ...(isOnServer ? {} : { drill: true }) },
    reads,
    isSealedByFile: place.kind === 'folder' && existsSync(join(place.dataDir, 'seal.key')),
  }
}

/** As a series may be called. */
function nameOf(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64)
  return name === '' ? 'backup' : name
}
