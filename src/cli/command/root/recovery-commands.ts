import { Secret } from '../../../model/secret.ts'
import { MAX_SHARE_CHARACTERS } from '../../../model/limits.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import { askHidden, confirm } from '../../input/prompt.ts'
import { readLimited, readLimitedFile } from '../../input/read-limited.ts'
import { readShares } from '../../input/read-share.ts'
import { chooseStoredSeal } from '../../input/seal-choice.ts'
import { chooseDatabase } from '../../input/store-setting.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, FORCE, IN, SEAL_OPTIONS, YES } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { canAsk } from '../../output/terminal.ts'
import { requireFolder } from '../../place.ts'
import type { Sheet } from '../../sheet/sheet.ts'
import { readSheetPlace, SHEET_OPTIONS, sheetHead, writeSheet } from '../../sheet/write-sheet.ts'
import { UsageError } from '../../usage-error.ts'

export const recoveryCommands: readonly CommandRow[] = [
  {
    path: ['operator', 'recovery-sheet'],
    summary: 'command.operator.recovery-sheet',
    options: [...SHEET_OPTIONS, ...SEAL_OPTIONS, FORCE, YES, DRY_RUN],
    run: runSheet,
  },
  {
    path: ['operator', 'restore-seal-key'],
    summary: 'command.operator.restore-seal-key',
    options: [IN, { flags: '--seal-file <file>', help: 'option.sealFile' }, DRY_RUN],
    run: runRestore,
  },
]

async function runSheet(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const place = readSheetPlace(options)
  if (options.flag('dry-run')) return reportPlan(invocation, { request: place, lines: [] })
  await confirm(invocation, 'prompt.sheet')
  const sheet = await readSheet(invocation)
  await writeSheet(invocation, sheet, place)
  await printer.done({ ...place, kind: sheet.kind }, 'done.sheet', { file: place.out })
  return OK
}

/** Of the share in --share-file, else of the folder's own seal key. */
async function readSheet(invocation: Invocation): Promise<Sheet> {
  const { options, terminal } = invocation
  const { exportSealKey, viewShare } = await import('../../../app.ts')
  const head = sheetHead(options)
  const [given, ...others] = await readShares(invocation)
  if (others.length > 0) throw UsageError.of('usage.oneShare')
  if (given !== undefined) {
    const { text, words, ...share } = viewShare(given)
    return { kind: 'share', share, ...head, text, words }
  }
  const dataDir = requireFolder(options, terminal.environment, 'coffre operator recovery-sheet')
  const seal = await chooseStoredSeal(invocation)
  const place = { dataDir, ...(await chooseDatabase(invocation)) }
  const key = await exportSealKey({ ...place, ...(seal === undefined ? {} : { seal }) })
  return { kind: 'seal-key', ...head, ...key }
}

async function runRestore(invocation: Invocation): Promise<ExitCode> {
  const { command, options, printer, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, `coffre ${command}`)
  const path = options.text('seal-file') ?? terminal.environment['COFFRE_SEAL_KEY_PATH'] ?? ''
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { dataDir }, lines: [] })
  const { importSealKey } = await import('../../../app.ts')
  const text = await readSealKey(invocation)
  const written = await importSealKey(
    { dataDir, ...(await chooseDatabase(invocation)) },
    { text, ...(path === '' ? {} : { path }) },
  )
  await printer.done(written, 'done.sealKeyRestored', { file: written.path })
  return OK
}

async function readSealKey({ options, printer, terminal }: Invocation): Promise<Secret> {
  const path = options.text('in')
  const limit = { name: '--in', maximumBytes: MAX_SHARE_CHARACTERS }
  if (path === undefined && canAsk(terminal)) return new Secret(await askHidden(printer, 'prompt.sealKey'))
  const bytes =
    path === undefined ? await readLimited(terminal.stdin, limit) : await readLimitedFile(path, limit)
  return new Secret(Buffer.from(bytes).toString('utf8'))
}
