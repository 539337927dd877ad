import type { Rotated, SessionProbe } from '../../../app-secret-files.ts'
import type { CommandRow, OptionRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import type { OptionReader } from '../../line/option-reader.ts'
import { DRY_RUN } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { formatTable } from '../../output/table.ts'
import { writeTo } from '../../output/terminal.ts'
import { UsageError } from '../../usage-error.ts'
import { BACKUP_OPTIONS, withBackupHolder } from './file-key-holder.ts'
import { AT, readAt } from './moment.ts'
import { NAME, nameOption, PROJECT, projectFolder } from './project-folder.ts'
import { ENVIRONMENT, KEY_OPTIONS, readEnvironment, readKeyRequest } from './key-options.ts'

const PROBE_SECONDS = { from: 0, to: 3_600 }
/** The two lines of the guide's own script, which other programs may look for. */
const STARTED = '🔄 Rotation de la SECRET_KEY...'
const FINISHED = '✅ Rotation terminée'

const HOOK_OPTIONS: readonly OptionRow[] = [
  { flags: '--restart <command>', help: 'option.restart' },
  { flags: '--reload-pid-file <file>', help: 'option.reloadPidFile' },
  { flags: '--probe <command>', help: 'option.probe' },
  { flags: '--probe-session <url>', help: 'option.probeSession' },
  { flags: '--probe-cookie <name>', help: 'option.probeCookie' },
  { flags: '--probe-issuer <text>', help: 'option.probeIssuer' },
  { flags: '--probe-audience <text>', help: 'option.probeAudience' },
  { flags: '--probe-seconds <number>', help: 'option.probeSeconds' },
]

export const rotateCommands: readonly CommandRow[] = [
  {
    path: ['secret-key', 'rotate'],
    summary: 'command.secret-key.rotate',
    options: [
      ENVIRONMENT,
      ...KEY_OPTIONS,
      ...BACKUP_OPTIONS,
      ...HOOK_OPTIONS,
      { flags: '--compromised', help: 'option.compromisedKey' },
      { flags: '--plain-backup', help: 'option.plainBackup' },
      PROJECT,
      DRY_RUN,
    ],
    run: runRotate,
  },
  {
    path: ['secret-key', 'retire'],
    summary: 'command.secret-key.retire',
    options: [ENVIRONMENT, NAME, AT, PROJECT, DRY_RUN],
    run: runRetire,
  },
  {
    path: ['secret-key', 'recover'],
    summary: 'command.secret-key.recover',
    arguments: [{ syntax: '[fingerprint]', help: 'argument.fingerprint' }],
    options: [NAME, ...BACKUP_OPTIONS, { flags: '--print', help: 'option.revealBackup' }, PROJECT, DRY_RUN],
    run: runRecover,
  },
]

async function runRotate(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  const { planRotation, rotateSecretKey, secretFilesOf } = await import('../../../app-secret-files.ts')
  const folder = projectFolder(invocation)
  const probeSeconds = options.wholeNumber('probe-seconds', PROBE_SECONDS)
  const request = {
    ...readEnvironment(invocation),
    ...nameOption(invocation),
    isCompromised: options.flag('compromised'),
    plainBackup: options.flag('plain-backup'),
    hooks: readHooks(invocation),
    ...(probeSeconds === undefined ? {} : { probeSeconds }),
  }
  if (options.flag('dry-run')) {
    const paths = await planRotation(folder, request)
    return reportFiles(invocation, paths)
  }
  const keyRequest = await readKeyRequest(invocation)
  const rotated = await withBackupHolder(invocation, async (holder) => {
    await invocation.printer.line(STARTED)
    return rotateSecretKey(secretFilesOf(folder), { ...request, ...keyRequest }, holder)
  })
  await showRotated(invocation, rotated)
  return OK
}

function reportFiles(invocation: Invocation, files: readonly string[]): Promise<ExitCode> {
  const lines = files.map((path) => invocation.printer.say('secretFile.wouldChange', { path }))
  return reportPlan(invocation, { request: { files }, lines })
}

function readHooks({ options }: Invocation) {
  const [restart, probe, reloadPidFile] = [
    options.text('restart'),
    options.text('probe'),
    options.text('reload-pid-file'),
  ]
  return {
    ...(restart === undefined ? {} : { restart }),
    ...(probe === undefined ? {} : { probe }),
    ...(reloadPidFile === undefined ? {} : { reloadPidFile }),
    ...readSessionProbe(options),
  }
}

function readSessionProbe(options: OptionReader): { readonly sessionProbe?: SessionProbe } {
  const [url, cookie] = [options.text('probe-session'), options.text('probe-cookie')]
  const [issuer, audience] = [options.text('probe-issuer'), options.text('probe-audience')]
  const given = cookie ?? issuer ?? audience
  if (url === undefined) {
    if (given === undefined) return {}
    throw UsageError.of('usage.optionMissing', { name: '--probe-session' })
  }
  const how = { url, ...(cookie === undefined ? {} : { cookie }) }
  if (issuer === undefined && audience === undefined) return { sessionProbe: how }
  if (issuer === undefined) throw UsageError.of('usage.optionMissing', { name: '--probe-issuer' })
  if (audience === undefined) throw UsageError.of('usage.optionMissing', { name: '--probe-audience' })
  return { sessionProbe: { ...how, scope: { issuer, audience } } }
}

async function showRotated({ printer }: Invocation, rotated: Rotated): Promise<void> {
  const { fingerprint, replaced, files, graceUntil, endedEarly = [], plainBackups = [] } = rotated
  if (printer.json) return printer.show(rotated, () => [])
  for (const { path } of files) await printer.note('secretFile.changed', { path })
  for (const path of plainBackups) await printer.note('done.plainBackup', { path })
  await printer.note('done.secretKeyRotated', { fingerprint, replaced })
  if (graceUntil === undefined) await printer.note('done.secretKeyNoGrace')
  else await printer.note('done.secretKeyGrace', { moment: graceUntil })
  for (const ended of endedEarly) await printer.note('done.secretKeyEndedEarly', { fingerprint: ended })
  await printer.line(FINISHED)
}

async function runRetire(invocation: Invocation): Promise<ExitCode> {
  const { planRetirement, retirePreviousKey, secretFilesOf } = await import('../../../app-secret-files.ts')
  const request = { ...readEnvironment(invocation), ...nameOption(invocation) }
  const folder = projectFolder(invocation)
  const at = readAt(invocation)
  if (at !== undefined || invocation.options.flag('dry-run')) {
    const { previous, files } = await planRetirement(folder, request, () => at ?? Date.now())
    if (previous !== 'retired') await invocation.printer.note(`done.previousKey.${previous}`)
    return reportFiles(invocation, files)
  }
  const previous = await retirePreviousKey(secretFilesOf(folder), request)
  await invocation.printer.done({ previous }, `done.previousKey.${previous}`)
  return OK
}

async function runRecover(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal, values } = invocation
  const secretFiles = await import('../../../app-secret-files.ts')
  options.exclude('print', 'dry-run')
  const [fingerprint] = values
  if (fingerprint === undefined) return listBackups(invocation)
  const folder = projectFolder(invocation)
  const parts = secretFiles.secretFilesOf(folder)
  const request = { fingerprint, ...nameOption(invocation) }
  if (options.flag('dry-run')) return reportFiles(invocation, await secretFiles.planRecovery(folder, request))
  await withBackupHolder(invocation, async (holder) => {
    if (options.flag('print')) {
      const key = await secretFiles.revealBackup(parts, request, holder)
      await writeTo(
        terminal.stdout,
        `${printer.json ? JSON.stringify({ key: key.reveal() }) : key.reveal()}\n`,
      )
      return
    }
    const files = await secretFiles.recoverSecretKey(parts, request, holder)
    await printer.done({ fingerprint, files }, 'done.secretKeyRecovered', { fingerprint })
  })
  return OK
}

async function listBackups(invocation: Invocation): Promise<ExitCode> {
  const { listKeyBackups } = await import('../../../app-secret-files.ts')
  const { printer } = invocation
  const { messages } = printer.catalogue
  const backups = await listKeyBackups(projectFolder(invocation))
  await printer.show({ backups }, () => {
    if (backups.length === 0) return [messages['list.empty']]
    const head = [messages['column.fingerprint'], messages['column.environment'], messages['column.at']]
    return formatTable([
      head,
      ...backups.map(({ at, environment, fingerprint }) => [fingerprint, environment, at]),
    ])
  })
  return OK
}
