import type { RestoreTarget, SourceCounts, SourceFacts } from '../../backup-source.ts'
import { contentRefused, restoreRefused } from '../reasons.ts'
import { type DatabasePlace, inDatabase, withDatabase } from './connection.ts'
import { toBackupError } from './failure.ts'

export interface GlobalsTargetOptions extends DatabasePlace {
  /** Roles that are there get what the backup says of them, and none is taken away. */
  readonly replace?: boolean
}

/** A role takes about 200 bytes. */
const MAX_SCRIPT_BYTES = 16 * 1024 * 1024
const CREATE_ROLE = /^CREATE ROLE ("(?:[^"]|"")+"|[^";\s]+);$/

/**
 * Roles of a server. There is no quarantine for them but this process: what was received is run at `commit`, in one
 * transaction.
 */
export function globalsTarget(options: GlobalsTargetOptions): RestoreTarget {
  const place = { ...options, url: inDatabase(options.url, 'postgres') }
  let script = ''
  return {
    kind: 'postgres-globals',
    prepare: async ({ serverMajor = 0 }: SourceFacts) => {
      const [row] = await withDatabase(place, 'RESTORE_REFUSED', ({ ask }) =>
        ask(`select current_setting('server_version_num') as number, current_setting('is_superuser') as super,
          (select count(*) from pg_roles where rolname !~ '^pg_' and rolname <> current_user) as roles`),
      )
      const major = Math.floor(Number(row?.['number']) / 10_000)
      if (Number(serverMajor) > major)
        throw restoreRefused({ reason: 'the server is older than that of the backup', server: major })
      if (row?.['super'] !== 'on') throw restoreRefused({ reason: 'only a superuser may restore all roles' })
      const roles = Number(row['roles'])
      if (roles > 0 && options.replace !== true)
        throw restoreRefused({ reason: 'there are roles on this server already', roles, option: '--replace' })
    },
    receive: async (plaintext, signal): Promise<SourceCounts> => {
      const pieces: Uint8Array[] = []
      let bytes = 0
      for await (const piece of plaintext) {
        signal.throwIfAborted()
        bytes += piece.length
        if (bytes > MAX_SCRIPT_BYTES) throw contentRefused({ reason: 'more than roles can be', bytes })
        pieces.push(Uint8Array.from(piece))
      }
      script = Buffer.concat(pieces).toString()
      return { bytes }
    },
    commit: () => run(place, script),
    abandon: async () => {
      script = ''
    },
  }
}

async function run(place: DatabasePlace, script: string): Promise<SourceFacts> {
  try {
    return await withDatabase(place, 'RESTORE_FAILED', async ({ ask }) => {
      const rows = await ask('select quote_ident(rolname) as name from pg_roles')
      const there = new Set(rows.map(({ name }) => name))
      let made = 0
      const lines = script.split('\n').filter((line) => {
        // Commands of psql, such as \connect; the server knows none.
        if (line.startsWith('\\')) return false
        const role = CREATE_ROLE.exec(line)?.[1]
        if (role === undefined) return true
        if (!there.has(role)) made += 1
        return !there.has(role)
      })
      await ask(`begin;\n${lines.join('\n')}\ncommit`)
      return { made }
    })
  } catch (error) {
    throw toBackupError('RESTORE_FAILED', error)
  }
}
