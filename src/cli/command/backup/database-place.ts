import { CoffreError } from '../../../model/errors.ts'
import { readBackupDatabase } from '../../input/secret-setting.ts'
import type { Invocation } from '../../invocation.ts'

/** Stands for COFFRE_BACKUP_DATABASE_URL, whose password nobody sees in the list of processes. */
const FROM_VARIABLE = 'env'

/**
 * The database of an option: its URL without a password, which PGPASSWORD, ~/.pgpass or a client certificate give, or
 * `env`. Throws CONFIG_REFUSED for a password on the command line, which everybody on the machine reads.
 */
export async function readDatabasePlace(
  invocation: Invocation,
  option: string,
): Promise<{ readonly url: string } | undefined> {
  const given = invocation.options.text(option)
  if (given === undefined || (given !== FROM_VARIABLE && !isPostgresUrl(given))) return undefined
  if (given !== FROM_VARIABLE) {
    if (new URL(given).password !== '') throw refuse(`--${option}`, 'a URL without a password, or env')
    return { url: given }
  }
  const url = await readBackupDatabase(invocation)
  if (url === undefined || !isPostgresUrl(url.reveal())) {
    throw refuse('COFFRE_BACKUP_DATABASE_URL', 'postgres://user:password@host/database')
  }
  return { url: url.reveal() }
}

export function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text)
}

function refuse(setting: string, expected: string): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { setting, expected } })
}
