import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { NamedSecret } from '../../app-backup.ts'
import { Secret } from '../../model/secret.ts'
import type { Sources } from '../invocation.ts'
import { folderOf } from '../place.ts'
import { readBackupPassphrase } from './secret-setting.ts'
import { readLimitedFile } from './read-limited.ts'
import { exists } from '../output/sink.ts'

/** What opens backups, or the Coffre that opens them. */
const KEYS = [
  'BACKUP_ENCRYPTION_KEY',
  'BACKUP_ENCRYPTION_KEY_PREVIOUS',
  'COFFRE_BACKUP_PASSPHRASE',
  'COFFRE_PASSPHRASE',
  'COFFRE_SEAL_KEY',
] as const
/** What the database and the application have. */
const OTHERS = [
  'DATABASE_URL',
  'COFFRE_DATABASE_URL',
  'COFFRE_BACKUP_DATABASE_URL',
  'PGPASSWORD',
  'SECRET_KEY',
  'FERNET_SECRET_KEY',
] as const
/** What opens neither, and has no business on a target. */
const CREDENTIALS = ['COFFRE_TOKEN', 'COFFRE_S3_SECRET_ACCESS_KEY', 'AWS_SECRET_ACCESS_KEY'] as const
const MAX_SECRET_BYTES = 4_096
const MAX_ENV_BYTES = 256 * 1024
/** Several Fernet keys are one setting. */
const RING = /[\s,]+/
const STANDARD_INPUT = '-'

/** The keys of backups, from variables and `…_FILE`, and the passphrase: that of the option unless it was read already. */
export async function readBackupKeys(
  invocation: Sources,
  given: Secret | undefined,
): Promise<readonly NamedSecret[]> {
  const path = invocation.options.text('backup-passphrase-file') ?? STANDARD_INPUT
  // Standard input gives it once, to whoever needs it.
  const passphrase = given ?? (path === STANDARD_INPUT ? undefined : await readBackupPassphrase(invocation))
  return [
    ...(await readAll(invocation, KEYS)),
    ...(passphrase === undefined ? [] : [{ name: 'the passphrase of the backup', value: passphrase }]),
  ]
}

/** From variables, `…_FILE`, and the `.env` of this folder where those say nothing. */
export async function readApplicationSecrets(invocation: Sources): Promise<readonly NamedSecret[]> {
  const secrets = await readAll(invocation, OTHERS)
  return secrets.flatMap(({ name, value }) => {
    const text = value.reveal()
    if (name !== 'FERNET_SECRET_KEY' || typeof text !== 'string') return [{ name, value }]
    return text.split(RING).map((each) => ({ name, value: new Secret(each) }))
  })
}

/** All of them, and the key file of the seal: what must not lie on a target. */
export async function readKnownSecrets(invocation: Sources): Promise<readonly NamedSecret[]> {
  const { options, terminal } = invocation
  const sealFile =
    terminal.environment['COFFRE_SEAL_KEY_PATH'] ?? join(folderOf(options, terminal.environment), 'seal.key')
  const recoveryFiles = options.list('recovery-key-file')
  return [
    ...(await readBackupKeys(invocation, undefined)),
    ...(await readApplicationSecrets(invocation)),
    ...(await readAll(invocation, CREDENTIALS)),
    ...(await readOptional('the seal key', sealFile)),
    ...(await Promise.all(recoveryFiles.map((path) => readOptional('--recovery-key-file', path)))).flat(),
  ]
}

async function readAll({ terminal }: Sources, names: readonly string[]): Promise<readonly NamedSecret[]> {
  const { environment } = terminal
  const folder = environment['COFFRE_PROJECT_DIR'] ?? '.'
  const fromFile = parseEnv(await readText(join(folder, '.env')))
  const found = await Promise.all(
    names.map(async (name) => {
      const path = environment[`${name}_FILE`] ?? ''
      const value = environment[name] ?? ''
      if (value !== '') return [{ name, value: new Secret(value) }]
      if (path !== '') return readOptional(name, path)
      const text = fromFile[name] ?? ''
      return text === '' ? [] : [{ name: `${name} in .env`, value: new Secret(text) }]
    }),
  )
  return found.flat()
}

/** Empty where there is no such file. */
async function readOptional(name: string, path: string): Promise<readonly NamedSecret[]> {
  if (!(await exists(path))) return []
  const bytes = await readLimitedFile(path, { name, maximumBytes: MAX_SECRET_BYTES })
  const text = Buffer.from(bytes).toString('utf8')
  // What is no text is a key of raw bytes.
  const isText = Buffer.from(text).equals(bytes)
  return [{ name, value: isText ? new Secret(text.trim()) : new Secret(bytes) }]
}

async function readText(path: string): Promise<string> {
  if (!(await exists(path))) return ''
  const bytes = await readLimitedFile(path, { name: '.env', maximumBytes: MAX_ENV_BYTES })
  return Buffer.from(bytes).toString('utf8')
}
