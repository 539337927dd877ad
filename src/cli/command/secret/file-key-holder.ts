import type { FileKeyHolder } from '../../../app-secret-files.ts'
import { Secret } from '../../../model/secret.ts'
import type { OptionRow } from '../../command-row.ts'
import { askHidden } from '../../input/prompt.ts'
import { readBackupPassphrase } from '../../input/secret-setting.ts'
import type { Invocation } from '../../invocation.ts'
import { canAsk } from '../../output/terminal.ts'
import { UsageError } from '../../usage-error.ts'
import { withCoffre } from '../../with-coffre.ts'

export const HOLDER_OPTIONS: readonly OptionRow[] = [
  { flags: '--backup-passphrase-file <file>', help: 'option.backupPassphraseFile' },
  { flags: '--backup-key <key>', help: 'option.backupKey' },
]

/** Runs `work` with who keeps the key of the encrypted file: a key of the Coffre, or a passphrase. */
export async function withHolder<Result>(
  invocation: Invocation,
  work: (holder: FileKeyHolder) => Promise<Result>,
): Promise<Result> {
  const { options, printer, terminal } = invocation
  const { coffreHolder, passphraseHolder } = await import('../../../app-secret-files.ts')
  options.exclude('backup-passphrase-file', 'backup-key')
  const key = options.text('backup-key')
  if (key !== undefined) return withCoffre(invocation, (coffre) => work(coffreHolder(coffre, key)))
  const given = await readBackupPassphrase(invocation)
  if (given !== undefined) return work(passphraseHolder(given))
  if (!canAsk(terminal)) {
    throw UsageError.of('usage.oneOf', { name: '--backup-passphrase-file', other: '--backup-key' })
  }
  return work(passphraseHolder(new Secret(await askHidden(printer, 'prompt.backupPassphrase'))))
}
