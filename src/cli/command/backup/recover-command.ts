import type { RecoveredPlace, RecoverOptions, Recovered } from '../../../app-recover.ts'
import type { BackupSummary } from '../../../model/backup.ts'
import { CoffreError } from '../../../model/errors.ts'
import { MAX_SHARE_CHARACTERS } from '../../../model/limits.ts'
import { Secret } from '../../../model/secret.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import { askHidden } from '../../input/prompt.ts'
import { chooseStoredSeal } from '../../input/seal-choice.ts'
import { readSecretFile } from '../../input/secret-file.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, SEAL_OPTIONS } from '../../line/option-rows.ts'
import { BackupProgressLine } from '../../output/backup-progress.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { canAsk } from '../../output/terminal.ts'
import { requireFolder, shellQuote } from '../../place.ts'
import { stoppable } from '../../stoppable.ts'
import { openPlace } from '../../with-coffre.ts'
import { readDatabasePlace } from './database-place.ts'
import {
  hasOtherOpener,
  OPENER_OPTIONS,
  PLACE_OPTIONS,
  readOpenersOf,
  readRecoveryKey,
  readTrust,
  withOpen,
} from './with-backups.ts'

const CONFLICTING = ['COFFRE_SEAL_KEY', 'COFFRE_SEAL_KEY_FILE']

export const recoverCommand: CommandRow = {
  path: ['backup', 'recover'],
  summary: 'command.backup.recover',
  arguments: [{ syntax: '[series]', help: 'argument.coffreSeries' }],
  options: [
    ...PLACE_OPTIONS,
    ...OPENER_OPTIONS,
    { flags: '--seal-key-file <file>', help: 'option.sealKeySheet' },
    ...SEAL_OPTIONS,
    { flags: '--into <url>', help: 'option.recoverInto' },
    { flags: '--replace', help: 'option.replaceRestored' },
    { flags: '--all-into <folder>', help: 'option.allInto' },
    { flags: '--databases <url>', help: 'option.recoverDatabases' },
    DRY_RUN,
  ],
  run: runRecover,
}

/** Needs nothing of this machine but room: the sheet and the target have the rest. */
function runRecover(invocation: Invocation): Promise<ExitCode> {
  const { options, terminal, values } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre backup recover')
  return withOpen(invocation, undefined, async (backups) => {
    const { findCoffre, recoverCoffre } = await import('../../../app-recover.ts')
    const coffre = await findCoffre(backups, values[0])
    const request = { series: coffre.series, sequence: coffre.sequence, createdAt: coffre.createdAt, dataDir }
    if (options.flag('dry-run')) return reportPlan(invocation, { request, lines: [] })
    const progress = new BackupProgressLine(invocation.printer)
    try {
      const asked = await readRequest(invocation, coffre)
      const recovered = await stoppable((signal) =>
        recoverCoffre(backups, {
          ...asked,
          dataDir,
          onProgress: progress.show,
          onBackup: ({ series, sequence }) => {
            void invocation.printer.note('note.recovering', { series, sequence })
          },
          signal,
        }),
      )
      await progress.end()
      await tell(invocation, recovered)
      return recovered.others.every(({ code }) => code === undefined) ? OK : FINDING
    } finally {
      await progress.end()
    }
  })
}

async function readRequest(
  invocation: Invocation,
  coffre: BackupSummary,
): Promise<Omit<RecoverOptions, 'dataDir' | 'onProgress'>> {
  const { options, terminal } = invocation
  const { isSealKeyText } = await import('../../../app-backup.ts')
  const recoveryKey = await askRecoveryKey(invocation)
  const isSheetOfSeal = recoveryKey !== undefined && isSealKeyText(recoveryKey)
  const sealKey = await readSealKey(invocation, coffre, isSheetOfSeal ? recoveryKey : undefined)
  const sealKeyFile = options.text('seal-file') ?? terminal.environment['COFFRE_SEAL_KEY_PATH'] ?? ''
  const folder = options.text('all-into')
  const [database, postgres] = [
    await readDatabasePlace(invocation, 'into'),
    await readDatabasePlace(invocation, 'databases'),
  ]
  return {
    ...readTrust(invocation),
    openers: await readOpenersOf(invocation, recoveryKey),
    series: coffre.series,
    replace: options.flag('replace'),
    open: (place) => open(invocation, place, coffre),
    ...(database === undefined ? {} : { database }),
    ...(sealKey === undefined ? {} : { sealKey }),
    ...(sealKeyFile === '' ? {} : { sealKeyFile }),
    ...(folder === undefined ? {} : { others: { folder, ...(postgres === undefined ? {} : { postgres }) } }),
  }
}

async function askRecoveryKey(invocation: Invocation): Promise<Secret | undefined> {
  const given = await readRecoveryKey(invocation)
  if (hasOtherOpener(invocation) || !canAsk(invocation.terminal)) return given
  return new Secret(await askHidden(invocation.printer, 'prompt.recoveryKey'))
}

/** Of a Coffre that a key seals: of its sheet, unless its key is on this machine. Throws SEAL_KEY_MISSING. */
async function readSealKey(
  invocation: Invocation,
  coffre: BackupSummary,
  fromRecovery: Secret | undefined,
): Promise<Secret | undefined> {
  const { options, printer, terminal } = invocation
  const { isSealedByKey } = await import('../../../app-recover.ts')
  if (!isSealedByKey(coffre)) return undefined
  const path = options.text('seal-key-file')
  const limit = { name: '--seal-key-file', maximumBytes: MAX_SHARE_CHARACTERS }
  if (path !== undefined) return readSecretFile(terminal, path, limit)
  if (fromRecovery !== undefined) return fromRecovery
  const isHere =
    (await chooseStoredSeal(invocation)) !== undefined ||
    CONFLICTING.some((name) => (terminal.environment[name] ?? '') !== '')
  if (isHere) return undefined
  if (canAsk(terminal)) return new Secret(await askHidden(printer, 'prompt.sealKey'))
  const expected = 'the sheet of the seal key (coffre operator recovery-sheet), or --seal-file'
  throw new CoffreError('SEAL_KEY_MISSING', { facts: { setting: '--seal-key-file', expected } })
}

/** By the key file that was just written, where the sheet had one. */
async function open(invocation: Invocation, place: RecoveredPlace, coffre: BackupSummary) {
  const { sealKeyFile, ...others } = place
  const base = { ...others, lostFernetKeys: 'allow' as const, onAlert: () => undefined }
  if (sealKeyFile === undefined) return openPlace(invocation, base)
  const { sealsOf } = await import('../../../app-recover.ts')
  if (sealsOf(coffre).includes('file'))
    return openPlace(invocation, { ...base, seal: { provider: 'file', path: sealKeyFile } })
  const { environment } = invocation.terminal
  const left = Object.entries(environment).filter(([name]) => !CONFLICTING.includes(name))
  const settings = { ...Object.fromEntries(left), COFFRE_SEAL_KEY_FILE: sealKeyFile }
  return openPlace(invocation, { ...base, seal: { provider: 'environment' }, environment: settings })
}

async function tell({ printer }: Invocation, recovered: Recovered): Promise<void> {
  const { coffre, dataDir, sealKeyFile, others, milliseconds } = recovered
  for (const { series, sequence, place, code } of others) {
    if (code === undefined) {
      await printer.note('note.recovered', { series, sequence: sequence ?? 0, place: place ?? '' })
    } else await printer.note('note.notRecovered', { series, code })
  }
  const { series, sequence, createdAt } = coffre
  const seconds = (milliseconds / 1_000).toFixed(1)
  await printer.done(recovered, 'done.recovered', { series, sequence, createdAt, dataDir, seconds })
  const { sealsOf } = await import('../../../app-recover.ts')
  if (sealsOf(coffre).includes('environment') && sealKeyFile !== undefined) {
    await printer.note('note.sealVariable', { file: shellQuote(sealKeyFile) })
  }
  await printer.note('note.recoverNext', { folder: shellQuote(dataDir) })
}
