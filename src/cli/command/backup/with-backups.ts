import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Backups, BackupReference } from '../../../app-backup.ts'
import type { Coffre } from '../../../model/coffre.ts'
import { CoffreError, hasCode } from '../../../model/errors.ts'
import { MAX_SHARE_CHARACTERS } from '../../../model/limits.ts'
import type { Secret } from '../../../model/secret.ts'
import type { OptionRow } from '../../command-row.ts'
import { readObjectSettings } from '../../input/object-settings.ts'
import { readBackupPassphrase } from '../../input/secret-setting.ts'
import { readSecretFile } from '../../input/secret-file.ts'
import { type Invocation, valueAt } from '../../invocation.ts'
import { parseWholeNumber } from '../../line/option-reader.ts'
import { withCoffre } from '../../with-coffre.ts'

export const TARGET: OptionRow = { flags: '--target <place>', help: 'option.backupTarget' }
const SIGNER: OptionRow = { flags: '--signer <key>', help: 'option.backupSigner', repeats: true }
const ACCEPT_OLDER: OptionRow = { flags: '--accept-older', help: 'option.acceptOlder' }
export const SEQUENCES = { from: 1, to: 999_999_999_999 }

/** Where backups lie, and whose signatures count. */
export const PLACE_OPTIONS: readonly OptionRow[] = [TARGET, SIGNER, ACCEPT_OLDER]

/** What opens a backup, besides the Coffre that made it. */
export const OPENER_OPTIONS: readonly OptionRow[] = [
  { flags: '--recovery-key-file <file>', help: 'option.recoveryKeyFile', repeats: true },
  { flags: '--backup-passphrase-file <file>', help: 'option.openBackupPassphrase' },
  { flags: '--accept-any-signer', help: 'option.acceptAnySigner' },
]

export const SERIES = { syntax: '<series>', help: 'argument.series' } as const
export const SEQUENCE = { syntax: '[sequence]', help: 'argument.sequence' } as const
export const SERIES_AND_SEQUENCE = [SERIES, SEQUENCE] as const

/** For commands that sign, and so need the Coffre. */
export function withOwnBackups<Result>(
  invocation: Invocation,
  work: (backups: Backups, coffre: Coffre) => Promise<Result>,
): Promise<Result> {
  return withCoffre(invocation, (coffre) => withOpen(invocation, coffre, (backups) => work(backups, coffre)))
}

/** For commands that read: on a new machine there is no Coffre, and another secret opens the backup. */
export async function withReadBackups<Result>(
  invocation: Invocation,
  work: (backups: Backups, coffre: Coffre | undefined) => Promise<Result>,
): Promise<Result> {
  if (!hasOtherOpener(invocation)) return withOwnBackups(invocation, work)
  let hasBegun = false
  try {
    return await withOwnBackups(invocation, (backups, coffre) => {
      hasBegun = true
      return work(backups, coffre)
    })
  } catch (error) {
    if (hasBegun || !isWithoutCoffre(error)) throw error
    return withOpen(invocation, undefined, (backups) => work(backups, undefined))
  }
}

/** The second argument is a sequence; the newest backup without it. */
export function readReference(invocation: Invocation): BackupReference {
  const series = valueAt(invocation, 0)
  const sequence = invocation.values[1]
  if (sequence === undefined) return { series }
  return { series, sequence: parseWholeNumber(sequence, '[sequence]', SEQUENCES) }
}

/** What the command line gives to open a backup with. `given`: standard input gives a passphrase only once. */
export async function readOpeners(invocation: Invocation, coffre: Coffre | undefined, given?: Secret) {
  return readOpenersOf(invocation, await readRecoveryKey(invocation), { coffre, passphrase: given })
}

interface GivenOpeners {
  readonly coffre?: Coffre | undefined
  readonly passphrase?: Secret | undefined
}

/** With a recovery key that was read already. */
export async function readOpenersOf(
  invocation: Invocation,
  recoveryKey: Secret | undefined,
  { coffre, passphrase: given }: GivenOpeners = {},
) {
  const { toOpeners } = await import('../../../app-backup.ts')
  const passphrase = given ?? (await readBackupPassphrase(invocation))
  return toOpeners({
    ...(coffre === undefined ? {} : { coffre }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(recoveryKey === undefined ? {} : { recoveryKey }),
  })
}

/** Of --recovery-key-file: the key in one file, or enough shares of it, each in a file of its own. */
export async function readRecoveryKey({ options, terminal }: Invocation): Promise<Secret | undefined> {
  const limit = { name: '--recovery-key-file', maximumBytes: MAX_SHARE_CHARACTERS }
  const given: Secret[] = []
  for (const path of options.list('recovery-key-file'))
    given.push(await readSecretFile(terminal, path, limit))
  const { isRecoveryShare, joinRecoveryShares } = await import('../../../app-backup.ts')
  const [first, ...others] = given
  // One share alone is told how many more it needs.
  const isWhole = first === undefined || (others.length === 0 && !isRecoveryShare(first))
  return isWhole ? first : joinRecoveryShares(given)
}

export function readTrust({ options }: Invocation) {
  return { acceptAnySigner: options.flag('accept-any-signer') }
}

/** With no Coffre, or with this one. */
export async function withOpen<Result>(
  invocation: Invocation,
  coffre: Coffre | undefined,
  work: (backups: Backups) => Promise<Result>,
): Promise<Result> {
  const { openBackups } = await import('../../../app-backup.ts')
  const backups = await openBackups({
    target: chooseBackupTarget(invocation),
    s3: await readObjectSettings(invocation),
    seenFile: await seenFile(invocation),
    signers: invocation.options.list('signer'),
    acceptOlder: invocation.options.flag('accept-older'),
    ...(coffre === undefined ? {} : { coffre }),
  })
  try {
    return await work(backups)
  } finally {
    await backups.close()
  }
}

/** --target, or its variable. Throws CONFIG_REFUSED without either. */
export function chooseBackupTarget({ options, terminal }: Invocation): string {
  const target = options.text('target') ?? terminal.environment['COFFRE_BACKUP_TARGET'] ?? ''
  if (target !== '') return target
  const facts = { setting: '--target or COFFRE_BACKUP_TARGET', expected: 'a folder or s3://bucket/prefix' }
  throw new CoffreError('CONFIG_REFUSED', { facts })
}

/** Not beside the backups: who puts old ones back would put this back too. */
async function seenFile({ terminal }: Invocation): Promise<string> {
  const { COFFRE_BACKUP_SEEN: given = '', XDG_STATE_HOME: state = '', HOME: home = '' } = terminal.environment
  if (given !== '') return given
  const folder = state === '' && home !== '' ? join(home, '.local', 'state') : state
  if (folder === '') {
    throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'HOME', expected: 'a folder' } })
  }
  const path = join(folder, 'coffre', 'backups-seen.json')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  return path
}

/** Something besides the Coffre. */
export function hasOtherOpener({ options, terminal }: Invocation): boolean {
  const given =
    options.list('recovery-key-file').length > 0 || options.text('backup-passphrase-file') !== undefined
  const { COFFRE_BACKUP_PASSPHRASE: passphrase = '', COFFRE_BACKUP_PASSPHRASE_FILE: file = '' } =
    terminal.environment
  return given || passphrase !== '' || file !== ''
}

function isWithoutCoffre(error: unknown): boolean {
  return (['NOT_INITIALISED', 'SEAL_KEY_MISSING', 'SERVER_UNREACHABLE', 'SEALED'] as const).some((code) =>
    hasCode(error, code),
  )
}
