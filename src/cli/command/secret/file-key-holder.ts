import type { FileKeyHolder } from '../../../app-secret-files.ts'
import { Secret } from '../../../model/secret.ts'
import type { OptionRow } from '../../command-row.ts'
import { askHidden } from '../../input/prompt.ts'
import { readBackupPassphrase, readFilePassphrase } from '../../input/secret-setting.ts'
import type { Invocation } from '../../invocation.ts'
import { canAsk } from '../../output/terminal.ts'
import { UsageError } from '../../usage-error.ts'
import { withCoffre } from '../../with-coffre.ts'

export const BACKUP_PASSPHRASE: OptionRow = {
  flags: '--backup-passphrase-file <file>',
  help: 'option.backupPassphraseFile',
}
export const BACKUP_OPTIONS: readonly OptionRow[] = [
  BACKUP_PASSPHRASE,
  { flags: '--backup-key <key>', help: 'option.backupKey' },
]
export const FILE_PASSPHRASE: OptionRow = {
  flags: '--secret-passphrase-file <file>',
  help: 'option.filePassphraseFile',
}
export const FILE_KEY: OptionRow = { flags: '--key <key>', help: 'option.fileKey' }

type Work<Result> = (holder: FileKeyHolder) => Promise<Result>

/** Runs `work` with who keeps the key of a backup: a key of the Coffre, or a passphrase. */
export async function withBackupHolder<Result>(invocation: Invocation, work: Work<Result>): Promise<Result> {
  const { options } = invocation
  options.exclude('backup-passphrase-file', 'backup-key')
  const key = options.text('backup-key')
  if (key !== undefined) return withKey(invocation, key, work)
  const names = { name: '--backup-passphrase-file', other: '--backup-key' }
  return withPassphrase(invocation, await readBackupPassphrase(invocation), { names, work })
}

/** The same for a new encrypted file. */
export async function withFileHolder<Result>(invocation: Invocation, work: Work<Result>): Promise<Result> {
  const { options } = invocation
  options.exclude('secret-passphrase-file', 'key')
  const key = options.text('key')
  if (key !== undefined) return withKey(invocation, key, work)
  const names = { name: '--secret-passphrase-file', other: '--key' }
  return withPassphrase(invocation, await readFilePassphrase(invocation), { names, work })
}

/** For a file that is there: its slot tells what opens it. */
export async function withOpener<Result>(
  invocation: Invocation,
  kinds: readonly string[],
  work: Work<Result>,
): Promise<Result> {
  const given = await readFilePassphrase(invocation)
  if (given === undefined && kinds.includes('key')) return withKey(invocation, undefined, work)
  const names = { name: '--secret-passphrase-file', other: 'COFFRE_SECRET_PASSPHRASE' }
  return withPassphrase(invocation, given, { names, work })
}

async function withKey<Result>(
  invocation: Invocation,
  key: string | undefined,
  work: Work<Result>,
): Promise<Result> {
  const { coffreHolder } = await import('../../../app-secret-files.ts')
  return withCoffre(invocation, (coffre) => work(coffreHolder(coffre, key)))
}

interface PassphraseUse<Result> {
  readonly names: { readonly name: string; readonly other: string }
  readonly work: Work<Result>
}

async function withPassphrase<Result>(
  { printer, terminal }: Invocation,
  given: Secret | undefined,
  { names, work }: PassphraseUse<Result>,
): Promise<Result> {
  const { passphraseHolder } = await import('../../../app-secret-files.ts')
  if (given !== undefined) return work(passphraseHolder(given))
  if (!canAsk(terminal)) throw UsageError.of('usage.oneOf', names)
  return work(passphraseHolder(new Secret(await askHidden(printer, 'prompt.filePassphrase'))))
}
