import { rm } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { parseBackupSchedule } from '../../../config-backups.ts'
import type { CommandRow, OptionRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import { readObjectSettings } from '../../input/object-settings.ts'
import { askText } from '../../input/prompt.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, FORCE } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { exists, withFileSink } from '../../output/sink.ts'
import { canAsk } from '../../output/terminal.ts'
import { shellQuote } from '../../place.ts'
import type { SheetPlace } from '../../sheet/write-sheet.ts'
import { UsageError } from '../../usage-error.ts'
import { chooseInitSource, INIT_SOURCE_OPTIONS, type InitSource } from './init-source.ts'
import { makeRecoverySheet, type NewRecovery, readRecoveryKeys } from './recovery-key-commands.ts'
import { TARGET } from './with-backups.ts'

const RECOVERY: OptionRow = { flags: '--recovery <file>', help: 'option.recovery', repeats: true }
const DEFAULT_TIME = '02:00'
const TIME = /^(?<hour>[01]?\d|2[0-3]):(?<minute>[0-5]\d)$/
/** A week of days, a month of weeks, a year of months. */
const KEEP = { daily: 7, weekly: 4, monthly: 12 }

export const initCommand: CommandRow = {
  path: ['backup', 'init'],
  summary: 'command.backup.init',
  options: [
    { flags: '--series <name>', help: 'option.initSeries' },
    ...INIT_SOURCE_OPTIONS,
    TARGET,
    { flags: '--time <hh:mm>', help: 'option.initTime' },
    { flags: '--time-zone <name>', help: 'option.initTimeZone' },
    { flags: '--out <file>', help: 'option.initOut' },
    { flags: '--sheet <file>', help: 'option.initSheet' },
    RECOVERY,
    FORCE,
    DRY_RUN,
  ],
  run: runInit,
}

/** What is to be written, and what it was made of. */
interface InitPlan {
  readonly source: InitSource
  readonly series: string
  readonly target: string
  /** Of a file with one backup in it. */
  readonly text: string
  readonly out: string
  /** Absent: --recovery names those that open it. */
  readonly recovery?: { readonly sheet: SheetPlace; readonly publicOut: string }
}

async function runInit(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  const plan = await makePlan(invocation)
  await requireFree(invocation, plan)
  const nextAt = await check(invocation, plan)
  if (options.flag('dry-run')) {
    const request: unknown = JSON.parse(plan.text)
    return reportPlan(invocation, { request: { file: plan.out, declares: request, nextAt }, lines: [] })
  }
  return write(invocation, plan, nextAt)
}

async function makePlan(invocation: Invocation): Promise<InitPlan> {
  const { options } = invocation
  options.exclude('sheet', 'recovery')
  const out = resolve(options.text('out') ?? 'backups.json')
  const source = await chooseInitSource(invocation, dirname(out))
  const series = options.text('series') ?? source.series
  const target = await readTarget(invocation)
  const cron = await readCron(invocation)
  const given = options.list('recovery').map((path) => resolve(path))
  const recovery = given.length === 0 ? { recovery: recoveryFiles(invocation, out) } : {}
  const declaration = {
    series,
    source: source.declares,
    target,
    cron,
    timeZone: options.text('time-zone') ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    recovery: recovery.recovery === undefined ? given : [recovery.recovery.publicOut],
    keep: KEEP,
    ...source.drills,
  }
  const text = `${JSON.stringify({ backups: [declaration] }, undefined, 2)}\n`
  return { source, series, target, text, out, ...recovery }
}

function recoveryFiles({ options }: Invocation, out: string): NonNullable<InitPlan['recovery']> {
  const path = resolve(options.text('sheet') ?? join(dirname(out), 'recovery-sheet.html'))
  const format = path.endsWith('.txt') ? 'text' : 'html'
  const publicOut = `${path.slice(0, path.length - extname(path).length)}.pub`
  return { sheet: { out: path, format }, publicOut }
}

/** A folder by its whole name: a server stands elsewhere. */
async function readTarget({ options, printer, terminal }: Invocation): Promise<string> {
  const { COFFRE_BACKUP_TARGET: known = '' } = terminal.environment
  const given = options.text('target') ?? (known === '' ? undefined : known)
  if (given === undefined && !canAsk(terminal))
    throw UsageError.of('usage.optionMissing', { name: '--target' })
  const place = given ?? (await askText(printer, 'prompt.initTarget'))
  return /^[a-z0-9+.-]+:/i.test(place) ? place : resolve(place)
}

async function readCron({ options, printer, terminal }: Invocation): Promise<string> {
  const given = options.text('time')
  const asks = given === undefined && canAsk(terminal)
  const time = asks ? await askText(printer, 'prompt.initTime', DEFAULT_TIME) : (given ?? DEFAULT_TIME)
  const { hour, minute } = TIME.exec(time.trim())?.groups ?? {}
  if (hour === undefined || minute === undefined) throw UsageError.of('usage.timeOfDay', { name: '--time' })
  return `${Number(minute)} ${Number(hour)} * * *`
}

/**
 * Before a key is made that nothing would be written for. --force replaces a declaration, and never a sheet or its public
 * half: older backups may open with that key alone.
 */
async function requireFree({ options }: Invocation, { out, recovery, source }: InitPlan): Promise<void> {
  for (const path of recovery === undefined ? [] : [recovery.sheet.out, recovery.publicOut]) {
    if (await exists(path)) throw UsageError.of('usage.keyExists', { path })
  }
  if (options.flag('force')) return
  if (await exists(out)) throw UsageError.of('usage.fileExists', { name: '--out' })
  const url = source.urlFile?.path
  if (url !== undefined && (await exists(url))) throw UsageError.of('usage.fileExists', { name: url })
}

/** As the server will do it, without a backup: the source gives its first bytes, and the target keeps an object and lets it go. */
async function check(invocation: Invocation, { source, target, text }: InitPlan): Promise<string> {
  const { options, printer } = invocation
  const { requireSchedules, toRecipients, trySource, tryTarget } = await import('../../../app-backup.ts')
  const nextAt = requireSchedules(parseBackupSchedule(text), Date.now())
  if (options.list('recovery').length > 0) toRecipients({ recovery: await readRecoveryKeys(invocation) })
  await trySource(source.reads)
  await printer.note('note.initSource', { source: source.reads.kind })
  const s3 = await readObjectSettings(invocation)
  const warnings = await tryTarget(target, { s3, writes: !options.flag('dry-run') })
  await printer.note('note.initTarget', { place: target })
  if (warnings.includes('readable-by-others')) await printer.note('target.readableByOthers')
  if (warnings.includes('writable-by-others')) await printer.note('target.writableByOthers')
  return nextAt
}

/** The declaration last: where it is, all that it names is there. */
async function write(invocation: Invocation, plan: InitPlan, nextAt: string): Promise<ExitCode> {
  const { printer } = invocation
  const { out, series, target, source, recovery, text } = plan
  const written: string[] = []
  const put = async (path: string, content: string) => {
    const isNew = !(await exists(path))
    await withFileSink(invocation, { path, option: 'out' }, (sink) => sink.write(content))
    if (isNew) written.push(path)
  }
  let made: NewRecovery | undefined
  try {
    if (recovery !== undefined) {
      const { sheet, publicOut } = recovery
      made = await makeRecoverySheet(invocation, sheet, { isOfSeal: source.isSealedByFile })
      written.push(sheet.out)
      await put(publicOut, `${made.publicKey}\n`)
    }
    if (source.urlFile !== undefined) await put(source.urlFile.path, `${source.urlFile.url.reveal()}\n`)
    await put(out, text)
  } catch (error) {
    // Half of it is in the way of the next attempt.
    for (const path of written) await rm(path, { force: true })
    throw error
  }
  const sheet = recovery?.sheet.out
  const { fingerprint, signers } = made ?? {}
  const view = {
    out,
    series,
    target,
    nextAt,
    ...(sheet === undefined ? {} : { sheet, fingerprint, signers }),
    ...(source.urlFile === undefined ? {} : { urlFile: source.urlFile.path }),
  }
  await printer.done(view, 'done.backupInit', { file: out, series, at: nextAt })
  await sayNext(invocation, { ...plan, sheet })
  return OK
}

async function sayNext(
  { printer }: Invocation,
  { out, series, target, sheet }: InitPlan & { readonly sheet: string | undefined },
): Promise<void> {
  const file = shellQuote(out)
  await printer.note('note.initServe', { file })
  await printer.note('note.initRun', { file, series })
  await printer.note('note.initDrill', { series, place: shellQuote(target) })
  if (sheet !== undefined) await printer.note('note.initSheet', { file: sheet })
}
