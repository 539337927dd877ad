import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import type { Sources } from '../invocation.ts'
import { readDatabaseVariable } from './secret-setting.ts'

/** As the library takes it; empty where the store is in the data folder. */
export interface DatabaseChoice {
  readonly databaseUrl?: Secret
}

/** The option before the variable. Throws CONFIG_REFUSED for a password in the option, which `ps` shows to everybody. */
export async function chooseDatabase(invocation: Sources): Promise<DatabaseChoice> {
  const option = invocation.options.text('database-url')
  if (option !== undefined) return { databaseUrl: withoutPassword(option) }
  const databaseUrl = await readDatabaseVariable(invocation)
  return databaseUrl === undefined ? {} : { databaseUrl }
}

function withoutPassword(url: string): Secret {
  const password = URL.canParse(url) ? new URL(url).password : ''
  // `?password=` is no parameter that the store takes.
  if (password === '') return new Secret(url)
  const facts = {
    setting: '--database-url',
    expected: 'no password: COFFRE_DATABASE_URL_FILE, PGPASSWORD or .pgpass has it',
  }
  throw new CoffreError('CONFIG_REFUSED', { facts })
}

/** As `chooseDatabase`, with an argument before all. */
export async function chooseTarget(
  invocation: Sources,
  argument: string | undefined,
): Promise<Secret | undefined> {
  if (argument !== undefined) return withoutPassword(argument)
  return (await chooseDatabase(invocation)).databaseUrl
}
