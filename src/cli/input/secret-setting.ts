import { CoffreError } from '../../model/errors.ts'
import { MAX_PASSPHRASE_BYTES, MAX_TOKEN_CHARACTERS } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import type { Sources } from '../invocation.ts'
import { readLimited, readLimitedFile } from './read-limited.ts'
import { readSecretText } from './secret-file.ts'

/** Host, user, password, database and a few parameters. */
const MAX_URL_BYTES = 4_096

interface SecretSetting {
  /** The option that names a file; the secret itself is never an option. Absent: only the variable does. */
  readonly option?: string
  readonly variable: string
  readonly maximumBytes: number
  /** `-` as the file means standard input. */
  readonly fromStandardInput: boolean
}

const TOKEN: SecretSetting = {
  option: 'token-file',
  variable: 'COFFRE_TOKEN',
  maximumBytes: MAX_TOKEN_CHARACTERS,
  fromStandardInput: false,
}
const PASSPHRASE: SecretSetting = {
  option: 'passphrase-file',
  variable: 'COFFRE_PASSPHRASE',
  maximumBytes: MAX_PASSPHRASE_BYTES,
  fromStandardInput: true,
}

const BACKUP_PASSPHRASE: SecretSetting = {
  option: 'backup-passphrase-file',
  variable: 'COFFRE_BACKUP_PASSPHRASE',
  maximumBytes: MAX_PASSPHRASE_BYTES,
  fromStandardInput: true,
}

const FILE_PASSPHRASE: SecretSetting = {
  option: 'secret-passphrase-file',
  variable: 'COFFRE_SECRET_PASSPHRASE',
  maximumBytes: MAX_PASSPHRASE_BYTES,
  fromStandardInput: true,
}

const DATABASE: SecretSetting = {
  variable: 'COFFRE_DATABASE_URL',
  maximumBytes: MAX_URL_BYTES,
  fromStandardInput: false,
}

const BACKUP_DATABASE: SecretSetting = {
  variable: 'COFFRE_BACKUP_DATABASE_URL',
  maximumBytes: MAX_URL_BYTES,
  fromStandardInput: false,
}

const CACHE: SecretSetting = {
  variable: 'COFFRE_CACHE_URL',
  maximumBytes: MAX_URL_BYTES,
  fromStandardInput: false,
}

const OBJECT_SECRET: SecretSetting = {
  variable: 'COFFRE_S3_SECRET_ACCESS_KEY',
  maximumBytes: MAX_URL_BYTES,
  fromStandardInput: false,
}

/** Some of Amazon's are longer than 2 KiB. */
const OBJECT_SESSION: SecretSetting = {
  variable: 'COFFRE_S3_SESSION_TOKEN',
  maximumBytes: 4 * MAX_URL_BYTES,
  fromStandardInput: false,
}

/** All of them. */
export const SECRET_SETTINGS: readonly SecretSetting[] = [
  TOKEN,
  PASSPHRASE,
  DATABASE,
  CACHE,
  BACKUP_PASSPHRASE,
  BACKUP_DATABASE,
  FILE_PASSPHRASE,
  OBJECT_SECRET,
  OBJECT_SESSION,
]

export function readToken(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, TOKEN)
}

export function readPassphrase(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, PASSPHRASE)
}

/** Of a backed-up key; it has nothing to do with the seal. */
export function readBackupPassphrase(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, BACKUP_PASSPHRASE)
}

/** Of an encrypted env or TOML file. */
export function readFilePassphrase(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, FILE_PASSPHRASE)
}

/** A URL may hold a password. */
export function readDatabaseVariable(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, DATABASE)
}

/** Of a database that is backed up or restored; it is not where the keys are. */
export function readBackupDatabase(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, BACKUP_DATABASE)
}

/** So may the URL of a cache server. */
export function readCacheUrl(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, CACHE)
}

/** The secret of the access key of a bucket. */
export function readObjectSecret(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, OBJECT_SECRET)
}

export function readObjectSession(invocation: Sources): Promise<Secret | undefined> {
  return readSecret(invocation, OBJECT_SESSION)
}

async function readSecret(invocation: Sources, setting: SecretSetting): Promise<Secret | undefined> {
  const { options, terminal } = invocation
  const fromOption = setting.option === undefined ? undefined : options.text(setting.option)
  if (fromOption !== undefined) return readFile(invocation, fromOption, setting)
  const value = terminal.environment[setting.variable] ?? ''
  const path = terminal.environment[`${setting.variable}_FILE`] ?? ''
  if (value !== '' && path !== '') {
    const facts = { setting: setting.variable, expected: `only one of it and ${setting.variable}_FILE` }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  if (value !== '') return new Secret(value)
  return path === '' ? undefined : readFile(invocation, path, setting)
}

/** One line; the line break that an editor adds is not part of the secret. */
async function readFile(invocation: Sources, path: string, setting: SecretSetting): Promise<Secret> {
  const name = setting.option === undefined ? `${setting.variable}_FILE` : `--${setting.option}`
  const limit = { name, maximumBytes: setting.maximumBytes }
  const isStandardInput = path === '-' && setting.fromStandardInput
  const bytes = isStandardInput
    ? await readLimited(invocation.terminal.stdin, limit)
    : await readLimitedFile(path, limit)
  return new Secret(readSecretText(bytes, name))
}
