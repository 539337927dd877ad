import { spawn } from 'node:child_process'
import { once } from 'node:events'

/*
 * What the backup service of IMP-008 did, by the command line: encrypted, signed, listed. Settings are those of the command
 * line (COFFRE_BACKUP_TARGET, COFFRE_BACKUP_DATABASE_URL, COFFRE_BACKUP_RECOVERY …), so that no password is an argument.
 */

const [COMMAND = 'coffre', ...BEFORE] = (process.env['COFFRE_COMMAND'] ?? 'coffre').split(' ')

/** Of the database of COFFRE_BACKUP_DATABASE_URL, unless `source` names another: `['--files', 'uploads']`. */
export function createBackup(
  series: string,
  source: readonly string[] = ['--postgres', 'env'],
): Promise<void> {
  return run(['backup', 'create', series, ...source])
}

/** The newest; `options` as of `coffre backup restore`. */
export function restoreBackup(series: string, into: string, options: readonly string[] = []): Promise<void> {
  return run(['backup', 'restore', series, '--into', into, ...options])
}

async function run(args: readonly string[]): Promise<void> {
  const child = spawn(COMMAND, [...BEFORE, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`coffre ${args.slice(0, 3).join(' ')} ended with ${code}`)
}
