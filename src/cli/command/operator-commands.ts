import type { Coffre, StatusView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, FINDING, INTEGRITY, OK, USAGE } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { formatFields } from '../output/key-text.ts'
import { DRY_RUN, SEAL_OPTIONS } from '../line/option-rows.ts'
import { choosePlace, requireFolder } from '../place.ts'
import { formatJson, type Printer } from '../output/printer.ts'
import { askHidden } from '../input/prompt.ts'
import { chooseNewSeal, chooseStoredSeal } from '../input/seal-choice.ts'
import { chooseDatabase, type DatabaseChoice } from '../input/store-setting.ts'
import { readPassphrase } from '../input/secret-setting.ts'
import { canAsk, writeTo } from '../output/terminal.ts'
import { UsageError } from '../usage-error.ts'
import { connect, wantsPassphrase } from '../with-coffre.ts'

/** `coffre status`: 2 means sealed, and no other outcome of it is 2. */
const SEALED = USAGE

export const operatorCommands: readonly CommandRow[] = [
  {
    path: ['init'],
    summary: 'command.init',
    options: [...SEAL_OPTIONS, { flags: '--show-token', help: 'option.showToken' }, DRY_RUN],
    run: runInit,
  },
  { path: ['status'], summary: 'command.status', options: SEAL_OPTIONS, run: runStatus },
  { path: ['seal'], summary: 'command.seal', options: [DRY_RUN], run: runSeal },
  { path: ['unseal'], summary: 'command.unseal', options: [DRY_RUN], run: runUnseal },
  { path: ['selftest'], summary: 'command.selftest', run: runSelfTest },
]

async function runInit(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre init')
  const place = { dataDir, ...(await chooseDatabase(invocation)) }
  if (options.flag('dry-run')) return planInit(invocation, place)
  const { initCoffre } = await import('../../app.ts')
  const seal = await chooseNewSeal(invocation)
  const made = await initCoffre({ ...place, seal, createIfMissing: true })
  const shown = options.flag('show-token') ? { firstToken: made.firstToken.reveal() } : {}
  if (printer.json) {
    const view = { status: made.status, firstTokenFile: made.firstTokenFile, ...shown }
    await writeTo(terminal.stdout, `${formatJson(view)}\n`)
    return OK
  }
  await printer.note('done.init', { folder: dataDir })
  await printer.note('done.firstToken', { file: made.firstTokenFile })
  if (shown.firstToken !== undefined) await writeTo(terminal.stdout, `${shown.firstToken}\n`)
  return OK
}

async function planInit({ options, printer }: Invocation, place: StorePlace): Promise<ExitCode> {
  const folder = place.dataDir
  if (await isInitialised(place)) {
    throw new CoffreError('ALREADY_INITIALISED', { facts: { dataDir: folder } })
  }
  const seal = options.text('seal') ?? 'file'
  await printer.done({ dryRun: true, command: 'init', folder, seal }, 'dryRun.init', { folder, seal })
  return OK
}

/** A folder, and the database where the store is not in it. */
export interface StorePlace extends DatabaseChoice {
  readonly dataDir: string
}

/** Asks the store itself. It is opened for that, sealed or not. */
export async function isInitialised(place: StorePlace): Promise<boolean> {
  const { openCore } = await import('../../app.ts')
  try {
    const opened = await openCore({ ...place, startSealed: true })
    await opened.core.close()
    return true
  } catch (error) {
    // Any other failure is one of a Coffre that is there.
    return !hasCode(error, 'NOT_INITIALISED')
  }
}

async function runStatus(invocation: Invocation): Promise<ExitCode> {
  const status = await readStatus(invocation)
  await invocation.printer.show(status, () => formatStatus(invocation.printer, status))
  if (!status.initialised) return FINDING
  return status.sealed ? SEALED : OK
}

async function readStatus(invocation: Invocation): Promise<StatusView> {
  const place = choosePlace(invocation.options, invocation.terminal.environment)
  if (place.kind === 'server') return (await connect(invocation, place.address)).operator.status()
  const { openCore } = await import('../../app.ts')
  const seal = await chooseStoredSeal(invocation)
  const choice = seal === undefined ? {} : { seal }
  // Without its passphrase the folder still tells what it is: sealed.
  const opened = await openCore({
    dataDir: place.dataDir,
    ...(await chooseDatabase(invocation)),
    startSealed: true,
    ...choice,
  })
  try {
    return await opened.core.status()
  } finally {
    await opened.core.close()
  }
}

function formatStatus(printer: Printer, status: StatusView): readonly string[] {
  const state = status.sealed ? printer.say('status.sealed') : printer.say('status.unsealed')
  return formatFields(printer, [
    ['status.state', status.initialised ? state : printer.say('status.uninitialised')],
    ['status.version', status.version],
    ['status.store', status.store],
    ['status.seal', status.sealProvider],
    ['status.auditSize', status.auditSize === undefined ? undefined : String(status.auditSize)],
  ])
}

async function runSeal(invocation: Invocation): Promise<ExitCode> {
  const server = await connectForOperator(invocation)
  const dryRun = invocation.options.flag('dry-run')
  const status = dryRun ? await server.operator.status() : await server.operator.seal()
  return reportOperator(invocation, status)
}

async function runUnseal(invocation: Invocation): Promise<ExitCode> {
  const server = await connectForOperator(invocation)
  if (invocation.options.flag('dry-run')) return reportOperator(invocation, await server.operator.status())
  const given = await readPassphrase(invocation)
  return reportOperator(invocation, await unseal(invocation, server, given))
}

async function unseal(
  invocation: Invocation,
  server: Coffre,
  given: Secret | undefined,
): Promise<StatusView> {
  try {
    return await server.operator.unseal(given === undefined ? {} : { passphrase: given })
  } catch (error) {
    const mayHelp = wantsPassphrase(error) || hasCode(error, 'UNAUTHENTICATED')
    if (given !== undefined || !mayHelp || !canAsk(invocation.terminal)) throw error
    const passphrase = new Secret(await askHidden(invocation.printer, 'prompt.passphrase'))
    return server.operator.unseal({ passphrase })
  }
}

/** A data folder is unsealed by whoever opens it and sealed as soon as nobody does. */
async function connectForOperator(invocation: Invocation): Promise<Coffre> {
  const { command, options, terminal } = invocation
  const place = choosePlace(options, terminal.environment)
  if (place.kind === 'folder') throw UsageError.of('usage.serverOnly', { name: `coffre ${command}` })
  return connect(invocation, place.address)
}

async function reportOperator(invocation: Invocation, status: StatusView): Promise<ExitCode> {
  const { command, options, printer } = invocation
  if (options.flag('dry-run')) {
    const view = { dryRun: true, command, status }
    await printer.done(view, 'dryRun.ok', { command: `coffre ${command}` })
    return OK
  }
  const state = status.sealed ? 'status.sealed' : 'status.unsealed'
  await printer.done(status, state)
  return OK
}

async function runSelfTest({ printer }: Invocation): Promise<ExitCode> {
  const { runSelfTests } = await import('../../app.ts')
  const tests = runSelfTests().map(({ name, passed }) => ({ name, passed }))
  const passed = tests.filter((test) => test.passed).length
  await printer.show({ passed: passed === tests.length, tests }, () =>
    tests.map((test) =>
      test.passed
        ? `${printer.say('selftest.passed')}  ${test.name}`
        : printer.styleOut('red', `${printer.say('selftest.failed')}  ${test.name}`),
    ),
  )
  await printer.note('selftest.summary', { passed, count: tests.length })
  return passed === tests.length ? OK : INTEGRITY
}
