import { setTimeout } from 'node:timers/promises'
import type { SourceFacts } from '../../backup-source.ts'
import { type DatabasePlace, type Questions, withDatabase } from './connection.ts'

export interface ServerState {
  readonly major: number
  readonly mayCreate: boolean
  readonly exists: boolean
  /** Connections to the database. An autovacuum worker gives way to a rename by itself. */
  readonly others: number
}

/** In the comment of a database that we made and that is nobody's yet; a time follows. */
const MARK = 'coffre quarantine v1 '
const NOW = `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as now`
/** While the server waits for the others to go, which it does for five seconds. */
const END_OTHERS_EVERY_MS = 200
const LEFT = `select datname as name, shobj_description(oid, 'pg_database') as comment from pg_database
  where datname ~ '_(restore|drill)_[0-9a-f]+$' or shobj_description(oid, 'pg_database') like '${MARK}%'
  order by datname collate "C"`

export async function lookAtServer({ ask }: Questions, name: string): Promise<ServerState> {
  const [row] = await ask(
    `select current_setting('server_version_num') as number,
      (select rolsuper or rolcreatedb from pg_roles where rolname = current_user)::text as may_create,
      exists (select from pg_database where datname = $1)::text as found,
      (select count(*) from pg_stat_activity where datname = $1 and backend_type <> 'autovacuum worker') as others`,
    [name],
  )
  return {
    major: Math.floor(Number(row?.['number']) / 10_000),
    mayCreate: row?.['may_create'] === 'true',
    exists: row?.['found'] === 'true',
    others: Number(row?.['others']),
  }
}

/** As that of the backup was; where it says nothing, as the server likes. */
export async function createDatabase({ ask }: Questions, name: string, facts: SourceFacts): Promise<void> {
  const words = [
    ['encoding', 'encoding'],
    ['collate', 'lc_collate'],
    ['ctype', 'lc_ctype'],
  ] as const
  const settings = words.flatMap(([fact, word]) => {
    const value = facts[fact]
    return typeof value === 'string' && value !== '' ? [`${word} ${quoteText(value)}`] : []
  })
  await ask(`create database ${quoteName(name)} template template0 ${settings.join(' ')}`)
}

/** As made by us and nobody's yet, with the time of the server: what is left of it may be swept away. */
export async function markDatabase({ ask }: Questions, name: string): Promise<void> {
  const [row] = await ask(NOW)
  await ask(`comment on database ${quoteName(name)} is ${quoteText(`${MARK}${row?.['now'] ?? ''}`)}`)
}

export async function dropDatabase({ ask }: Questions, name: string): Promise<void> {
  await ask(`drop database if exists ${quoteName(name)} with (force)`)
}

export interface SwapNames {
  readonly from: string
  readonly to: string
  readonly before: string
  /** It goes away again, so that its mark stays. */
  readonly isScratch: boolean
}

/** Both names change in one transaction. Answers whether there was one before. */
export async function swapDatabases(
  place: DatabasePlace,
  { from, to, before, isScratch }: SwapNames,
  { force }: { readonly force: boolean },
): Promise<boolean> {
  return withDatabase(place, 'RESTORE_FAILED', async (questions) => {
    const { ask } = questions
    const { exists } = await lookAtServer(questions, to)
    await ask('begin')
    if (exists) {
      const renaming = ask(`alter database ${quoteName(to)} rename to ${quoteName(before)}`)
      // The rename keeps new connections out and waits for the old ones to end.
      await (force ? Promise.all([renaming, endOthers(place, to, renaming)]) : renaming)
      await ask(`alter database ${quoteName(from)} owner to ${await ownerOf(questions, before)}`)
    }
    // From here on it is somebody's, and nobody may sweep it away.
    if (!isScratch) await ask(`comment on database ${quoteName(from)} is null`)
    await ask(`alter database ${quoteName(from)} rename to ${quoteName(to)}`)
    await ask('commit')
    return exists
  })
}

export interface SweptDatabases {
  readonly removed: readonly string[]
  /** Named as ours are, without our mark: somebody else's, or made a moment before its maker was killed. */
  readonly unmarked: readonly string[]
}

/**
 * Drops what killed restores and drills have left: databases with our mark, older than `olderThanMs`, that nobody is
 * connected to. What has no mark stays, whatever its name.
 */
export async function sweepDatabases(place: DatabasePlace, olderThanMs: number): Promise<SweptDatabases> {
  return withDatabase(place, 'RESTORE_FAILED', async (questions) => {
    const [clock] = await questions.ask(NOW)
    const newest = Date.parse(clock?.['now'] ?? '') - olderThanMs
    const removed: string[] = []
    const unmarked: string[] = []
    for (const row of await questions.ask(LEFT)) {
      const [name, comment] = [row['name'] ?? '', row['comment'] ?? '']
      if (!comment.startsWith(MARK)) unmarked.push(name)
      else if (Date.parse(comment.slice(MARK.length)) <= newest && (await tryDrop(questions, name)))
        removed.push(name)
    }
    return { removed, unmarked }
  })
}

/** In use: 55006. Of another user: 42501. Both are not left over. */
async function tryDrop({ ask }: Questions, name: string): Promise<boolean> {
  try {
    await ask(`drop database if exists ${quoteName(name)}`)
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === '55006' || code === '42501') return false
    throw error
  }
}

async function endOthers(place: DatabasePlace, name: string, renaming: Promise<unknown>): Promise<void> {
  let isDone = false
  const settle = (): void => {
    isDone = true
  }
  renaming.then(settle, settle)
  await withDatabase(place, 'RESTORE_FAILED', async ({ ask }) => {
    while (!isDone) {
      await ask('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
      await setTimeout(END_OTHERS_EVERY_MS)
    }
  })
}

async function ownerOf({ ask }: Questions, name: string): Promise<string> {
  const [row] = await ask(
    'select quote_ident(pg_get_userbyid(datdba)) as owner from pg_database where datname = $1',
    [name],
  )
  return row?.['owner'] ?? 'current_user'
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `standard_conforming_strings` is on since 9.1, so a backslash is one. */
function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
