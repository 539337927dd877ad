import { SECOND } from '../../model/clock.ts'
import type { ServerFacts } from '../../store/store.ts'
import type { Finding } from './finding.ts'

export type DatabaseView = ServerFacts | 'unreachable'

/** Leases and destruction follow the database's clock, tokens this machine's. */
const MAX_APART = 5 * SECOND

export function judgeDatabase(database: DatabaseView): readonly Finding[] {
  const id = 'PostgreSQL'
  if (database === 'unreachable') {
    const next = 'psql "$COFFRE_DATABASE_URL" -c "select 1"'
    return [{ id, state: 'problem', cause: 'no connection, or none that was let in', next }]
  }
  return [
    judgeVersion(database),
    mustBeOn('fsync', database.fsync),
    mustBeOn('full_page_writes', database.fullPageWrites),
    database.encoding === 'UTF8'
      ? { id: 'PostgreSQL encoding', state: 'ok' }
      : { id: 'PostgreSQL encoding', state: 'problem', cause: database.encoding, next: 'createdb -E UTF8' },
    judgeChecksums(database),
    judgeCommit(database),
    judgeClock(database),
  ]
}

function judgeVersion({ major, oldestMajor }: ServerFacts): Finding {
  const id = 'PostgreSQL'
  if (major >= oldestMajor) return { id, state: 'ok' }
  return { id, state: 'problem', cause: `version ${major}`, next: `upgrade to ${oldestMajor} or newer` }
}

/** Coffre refuses to start without them. */
function mustBeOn(setting: 'fsync' | 'full_page_writes', value: string): Finding {
  const id = `PostgreSQL ${setting}`
  if (value === 'on') return { id, state: 'ok' }
  const cause = 'off: a crash of the server may lose or tear what it has acknowledged'
  return { id, state: 'problem', cause, next: `alter system set ${setting} = on; select pg_reload_conf()` }
}

function judgeChecksums({ dataChecksums }: ServerFacts): Finding {
  const id = 'PostgreSQL data_checksums'
  if (dataChecksums === 'on') return { id, state: 'ok' }
  const cause = 'off: the server does not see when its disk gives back other bytes'
  return { id, state: 'warning', cause, next: 'stop the server, then pg_checksums --enable' }
}

function judgeCommit({ synchronousCommit }: ServerFacts): Finding {
  const id = 'PostgreSQL synchronous_commit'
  if (synchronousCommit !== 'off') return { id, state: 'ok' }
  return { id, state: 'ok', cause: 'off; Coffre sets it to on for its own sessions' }
}

function judgeClock({ aheadMilliseconds }: ServerFacts): Finding {
  const id = 'PostgreSQL clock'
  if (Math.abs(aheadMilliseconds) <= MAX_APART) return { id, state: 'ok' }
  const seconds = Math.round(Math.abs(aheadMilliseconds) / SECOND)
  const cause = `${seconds} seconds ${aheadMilliseconds > 0 ? 'ahead of' : 'behind'} this machine`
  return { id, state: 'problem', cause, next: 'timedatectl status, on both machines' }
}
