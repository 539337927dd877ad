import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import { confirm } from '../../input/prompt.ts'
import { chooseStoredSeal } from '../../input/seal-choice.ts'
import { chooseDatabase } from '../../input/store-setting.ts'
import { readLimitedFile } from '../../input/read-limited.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, FORCE, SEAL_OPTIONS, YES } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { withSink } from '../../output/sink.ts'
import { requireFolder } from '../../place.ts'
import type { Sheet } from '../../sheet/sheet.ts'
import { readSheetPlace, SHEET_OPTIONS, sheetHead, writeSheet } from '../../sheet/write-sheet.ts'
import { withCoffre } from '../../with-coffre.ts'

/** Of a public half: 1,646 characters and a line break. */
const MAX_PUBLIC_BYTES = 4_096

export const recoveryKeyCommands: readonly CommandRow[] = [
  {
    path: ['backup', 'recovery-key'],
    summary: 'command.backup.recovery-key',
    options: [
      { flags: '--public-out <file>', help: 'option.recoveryPublicOut' },
      { flags: '--from-seal', help: 'option.fromSeal' },
      ...SHEET_OPTIONS,
      ...SEAL_OPTIONS,
      FORCE,
      YES,
      DRY_RUN,
    ],
    run: runRecoveryKey,
  },
]

async function runRecoveryKey(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  options.exclude('from-seal', 'out')
  return options.flag('from-seal') ? useSealKey(invocation) : makeKey(invocation)
}

/** The sheet of the seal key (`coffre operator recovery-sheet`) opens the backups too. */
async function useSealKey(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const publicOut = options.required('public-out')
  const dataDir = requireFolder(options, terminal.environment, 'coffre backup recovery-key --from-seal')
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { publicOut }, lines: [] })
  const { exportSealKey } = await import('../../../app.ts')
  const { recoveryKeyOfSeal } = await import('../../../app-backup.ts')
  const seal = await chooseStoredSeal(invocation)
  const place = { dataDir, ...(await chooseDatabase(invocation)) }
  const { text } = await exportSealKey({ ...place, ...(seal === undefined ? {} : { seal }) })
  const { publicKey, fingerprint } = recoveryKeyOfSeal(text)
  const signers = await recordKey(invocation, fingerprint)
  await withSink(invocation, 'public-out', (sink) => sink.write(`${publicKey}\n`))
  const signer = signers.join(' ')
  await printer.done({ publicOut, fingerprint, signers }, 'done.recoveryKeyOfSeal', {
    publicFile: publicOut,
    signer,
  })
  return OK
}

/** The public half goes to a file, the secret one on a sheet and nowhere else. */
async function makeKey(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const place = readSheetPlace(options)
  const publicOut = options.required('public-out')
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { ...place, publicOut }, lines: [] })
  await confirm(invocation, 'prompt.sheet')
  const { createRecoveryKey } = await import('../../../app-backup.ts')
  const { text, words, publicKey, fingerprint } = createRecoveryKey()
  const signers = await recordKey(invocation, fingerprint)
  const sheet: Sheet = {
    kind: 'recovery-key',
    ...sheetHead(options),
    text,
    words,
    recovery: { signers, fingerprint },
  }
  await writeSheet(invocation, sheet, place)
  await withSink(invocation, 'public-out', (sink) => sink.write(`${publicKey}\n`))
  await printer.done({ out: place.out, publicOut, fingerprint, signers }, 'done.recoveryKey', {
    file: place.out,
    publicFile: publicOut,
    fingerprint,
  })
  return OK
}

/** That it was made, before anybody has it; answers who makes the backups that it opens. */
async function recordKey(invocation: Invocation, fingerprint: string): Promise<readonly string[]> {
  const { listSigners } = await import('../../../app-backup.ts')
  return withCoffre(invocation, async (coffre) => {
    await coffre.backups.record({ action: 'backup.recovery-key', fingerprint })
    return listSigners(coffre)
  })
}

/** The public halves of --recovery, or of the files in COFFRE_BACKUP_RECOVERY, with colons between. */
export async function readRecoveryKeys({ options, terminal }: Invocation): Promise<readonly string[]> {
  const given = options.list('recovery')
  const fromEnvironment = (terminal.environment['COFFRE_BACKUP_RECOVERY'] ?? '')
    .split(':')
    .filter((path) => path !== '')
  const files = given.length > 0 ? given : fromEnvironment
  return Promise.all(files.map(readPublicKey))
}

async function readPublicKey(path: string): Promise<string> {
  const bytes = await readLimitedFile(path, { name: '--recovery', maximumBytes: MAX_PUBLIC_BYTES })
  return Buffer.from(bytes).toString('utf8').trim()
}
