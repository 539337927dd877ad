import type { StatusView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, FINDING, INTEGRITY, OK, USAGE } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { formatFields } from '../output/key-text.ts'
import { DRY_RUN, SEAL_OPTIONS } from '../line/option-rows.ts'
import { choosePlace, requireFolder } from '../place.ts'
import { formatJson, type Printer } from '../output/printer.ts'
import { QUORUM_OPTIONS } from '../output/share-files.ts'
import { chooseNewSeal, chooseStoredSeal } from '../input/seal-choice.ts'
import { chooseDatabase, type DatabaseChoice } from '../input/store-setting.ts'
import { writeTo } from '../output/terminal.ts'
import { connect } from '../with-coffre.ts'
import { unseal } from './root/unseal.ts'
import { withServer } from './root/with-server.ts'

/** `coffre status`: 2 means sealed, and no other outcome of it is 2. */
const SEALED = USAGE

const INIT_OPTIONS = [
  ...SEAL_OPTIONS,
  ...QUORUM_OPTIONS,
  { flags: '--show-token', help: 'option.showToken' },
  DRY_RUN,
] as const
const UNSEAL_OPTIONS = [{ flags: '--reset', help: 'option.reset' }, DRY_RUN] as const

export const operatorCommands: readonly CommandRow[] = [
  {
    path: ['init'],
    summary: 'command.init',
    options: INIT_OPTIONS,
    run: (invocation) => runInit(invocation, 'file'),
  },
  {
    path: ['operator', 'init'],
    summary: 'command.operator.init',
    options: INIT_OPTIONS,
    run: (invocation) => runInit(invocation, 'shamir'),
  },
  { path: ['status'], summary: 'command.status', options: SEAL_OPTIONS, run: runStatus },
  { path: ['seal'], summary: 'command.seal', options: [DRY_RUN], run: runSeal },
  { path: ['unseal'], summary: 'command.unseal', options: UNSEAL_OPTIONS, run: runUnseal },
  {
    path: ['operator', 'unseal'],
    summary: 'command.operator.unseal',
    options: UNSEAL_OPTIONS,
    run: runUnseal,
  },
  { path: ['selftest'], summary: 'command.selftest', run: runSelfTest },
]

async function runInit(invocation: Invocation, fallback: 'file' | 'shamir'): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre init')
  const place = { dataDir, ...(await chooseDatabase(invocation)) }
  if (options.flag('dry-run')) return planInit(invocation, place, fallback)
  const { initCoffre } = await import('../../app.ts')
  const seal = await chooseNewSeal(invocation, fallback)
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

async function planInit(
  { options, printer }: Invocation,
  place: StorePlace,
  fallback: string,
): Promise<ExitCode> {
  const folder = place.dataDir
  if (await isInitialised(place)) {
    throw new CoffreError('ALREADY_INITIALISED', { facts: { dataDir: folder } })
  }
  const seal = options.text('seal') ?? fallback
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
    ['status.shares', sharesOf(status)],
    ['status.root', (status.rootGeneration ?? 1) > 1 ? String(status.rootGeneration) : undefined],
    ['status.rootRemaining', status.rootRemaining === undefined ? undefined : String(status.rootRemaining)],
    ['status.auditSize', status.auditSize === undefined ? undefined : String(status.auditSize)],
  ])
}

function sharesOf({ sharesGiven = 0, sharesNeeded }: StatusView): string | undefined {
  return sharesNeeded === undefined ? undefined : `${sharesGiven} / ${sharesNeeded}`
}

function runSeal(invocation: Invocation): Promise<ExitCode> {
  return withServer(invocation, async ({ operator }) => {
    const status = invocation.options.flag('dry-run') ? await operator.status() : await operator.seal()
    return reportOperator(invocation, status)
  })
}

function runUnseal(invocation: Invocation): Promise<ExitCode> {
  return withServer(invocation, async ({ operator }) => {
    const isDryRun = invocation.options.flag('dry-run')
    return reportOperator(invocation, isDryRun ? await operator.status() : await unseal(invocation, operator))
  })
}

async function reportOperator(invocation: Invocation, status: StatusView): Promise<ExitCode> {
  const { command, options, printer } = invocation
  if (options.flag('dry-run')) {
    const view = { dryRun: true, command, status }
    await printer.done(view, 'dryRun.ok', { command: `coffre ${command}` })
    return OK
  }
  const { sealed, sharesGiven = 0, sharesNeeded } = status
  if (sealed && sharesNeeded !== undefined && command !== 'seal') {
    await printer.done(status, 'done.shareProgress', { given: sharesGiven, needed: sharesNeeded })
    return OK
  }
  await printer.done(status, sealed ? 'status.sealed' : 'status.unsealed')
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
