import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import { confirm } from '../../input/prompt.ts'
import { chooseStoredSeal } from '../../input/seal-choice.ts'
import { chooseDatabase } from '../../input/store-setting.ts'
import { readLimitedFile } from '../../input/read-limited.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, FORCE, SEAL_OPTIONS, YES } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { type Quorum, readQuorum } from '../../output/share-files.ts'
import { withSink } from '../../output/sink.ts'
import { requireFolder } from '../../place.ts'
import type { Sheet } from '../../sheet/sheet.ts'
import {
  readSheetPlace,
  type SheetPlace,
  SHEET_OPTIONS,
  sheetHead,
  sheetPlaceOf,
  writeSheet,
} from '../../sheet/write-sheet.ts'
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
      { flags: '--shares <number>', help: 'option.recoveryShares' },
      { flags: '--threshold <number>', help: 'option.threshold' },
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
  options.exclude('from-seal', 'shares')
  return options.flag('from-seal') ? useSealKey(invocation) : makeKey(invocation)
}

/** The sheet of the seal key opens the backups too: a new one with --out, or one that is there. */
async function useSealKey(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const publicOut = options.required('public-out')
  const place = options.text('out') === undefined ? undefined : readSheetPlace(options)
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { ...place, publicOut }, lines: [] })
  if (place !== undefined) await confirm(invocation, 'prompt.sheet')
  const { recoveryKeyOfSeal } = await import('../../../app-backup.ts')
  const sealKey = await readSealKey(invocation)
  const { publicKey, fingerprint } = recoveryKeyOfSeal(sealKey.text)
  const signers = await recordKey(invocation, fingerprint)
  const recovery = { signers, fingerprint }
  if (place !== undefined) {
    await writeSheet(invocation, { kind: 'seal-key', ...sheetHead(options), ...sealKey, recovery }, place)
  }
  await withSink(invocation, 'public-out', (sink) => sink.write(`${publicKey}\n`))
  const view = { publicOut, ...recovery }
  if (place === undefined) {
    const signer = signers.join(' ')
    await printer.done(view, 'done.recoveryKeyOfSeal', { publicFile: publicOut, signer })
    return OK
  }
  const files = { file: place.out, publicFile: publicOut, fingerprint }
  await printer.done({ out: place.out, ...view }, 'done.recoveryKey', files)
  return OK
}

async function readSealKey(invocation: Invocation): Promise<Pick<Sheet, 'text' | 'words'>> {
  const { options, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre backup recovery-key --from-seal')
  const { exportSealKey } = await import('../../../app.ts')
  const seal = await chooseStoredSeal(invocation)
  const place = { dataDir, ...(await chooseDatabase(invocation)) }
  return exportSealKey({ ...place, ...(seal === undefined ? {} : { seal }) })
}

/** The public half goes to a file, the secret one on a sheet, or on as many as there are shares, and nowhere else. */
async function makeKey(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const place = readSheetPlace(options)
  const publicOut = options.required('public-out')
  const isShared = options.text('shares') !== undefined
  const quorum = isShared ? readQuorum(invocation) : undefined
  if (options.flag('dry-run')) {
    return reportPlan(invocation, { request: { ...place, publicOut, ...quorum }, lines: [] })
  }
  await confirm(invocation, 'prompt.sheet')
  const { publicKey, fingerprint, sheets } = await makeSheets(quorum)
  const signers = await recordKey(invocation, fingerprint)
  const recovery = { signers, fingerprint }
  const files: string[] = []
  for (const sheet of sheets) {
    const at = sheet.share === undefined ? place : sheetPlaceOf(place, sheet.share)
    await writeSheet(invocation, { ...sheet, ...sheetHead(options), recovery }, at)
    files.push(at.out)
  }
  await withSink(invocation, 'public-out', (sink) => sink.write(`${publicKey}\n`))
  const view = { out: place.out, files, publicOut, fingerprint, signers, ...quorum }
  const file = files.join(', ')
  await printer.done(view, 'done.recoveryKey', { file, publicFile: publicOut, fingerprint })
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

export interface NewRecovery {
  readonly publicKey: string
  readonly fingerprint: string
  /** Who makes the backups that it opens. */
  readonly signers: readonly string[]
}

/** For who asks no more questions: one sheet, of the seal key or of a new key. */
export async function makeRecoverySheet(
  invocation: Invocation,
  place: SheetPlace,
  { isOfSeal }: { readonly isOfSeal: boolean },
): Promise<NewRecovery> {
  const { sheet, publicKey, fingerprint } = isOfSeal ? await sheetOfSeal(invocation) : await sheetOfNew()
  const signers = await recordKey(invocation, fingerprint)
  const recovery = { signers, fingerprint }
  await writeSheet(invocation, { ...sheet, ...sheetHead(invocation.options), recovery }, place)
  return { publicKey, ...recovery }
}

async function sheetOfSeal(invocation: Invocation) {
  const { recoveryKeyOfSeal } = await import('../../../app-backup.ts')
  const sealKey = await readSealKey(invocation)
  const sheet: SheetSecret = { kind: 'seal-key', ...sealKey }
  return { sheet, ...recoveryKeyOfSeal(sealKey.text) }
}

async function sheetOfNew() {
  const { createRecoveryKey } = await import('../../../app-backup.ts')
  const { text, words, ...others } = createRecoveryKey()
  const sheet: SheetSecret = { kind: 'recovery-key', text, words }
  return { sheet, ...others }
}

type SheetSecret = Pick<Sheet, 'kind' | 'share' | 'text' | 'words'>

async function makeSheets(quorum: Quorum | undefined) {
  const { createRecoveryKey, createRecoveryShares } = await import('../../../app-backup.ts')
  if (quorum === undefined) {
    const { text, words, ...others } = createRecoveryKey()
    const sheets: readonly SheetSecret[] = [{ kind: 'recovery-key', text, words }]
    return { ...others, sheets }
  }
  const { shares, ...others } = await createRecoveryShares(quorum)
  const sheets = shares.map(
    ({ text, words, ...share }): SheetSecret => ({ kind: 'recovery-share', share, text, words }),
  )
  return { ...others, sheets }
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
