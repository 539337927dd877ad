import type { Ceremonies, CeremonyView } from '../../../model/ceremony.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import { SecretQueue } from '../../input/read-share.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN } from '../../line/option-rows.ts'
import { formatFields } from '../../output/key-text.ts'
import { formatJson } from '../../output/printer.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { keepShares, QUORUM_OPTIONS, requireSharePlace } from '../../output/share-files.ts'
import { writeTo } from '../../output/terminal.ts'
import { UsageError } from '../../usage-error.ts'
import { withServer } from './with-server.ts'

const NONCE = { flags: '--nonce <text>', help: 'option.nonce' } as const
const [, , SHARES_DIR, PRINT_SHARES] = QUORUM_OPTIONS

export const ceremonyCommands: readonly CommandRow[] = [
  { path: ['operator', 'ceremony', 'show'], summary: 'command.operator.ceremony.show', run: runShow },
  {
    path: ['operator', 'ceremony', 'give'],
    summary: 'command.operator.ceremony.give',
    options: [NONCE, DRY_RUN],
    run: runGive,
  },
  {
    path: ['operator', 'ceremony', 'collect'],
    summary: 'command.operator.ceremony.collect',
    options: [NONCE, SHARES_DIR, PRINT_SHARES, DRY_RUN],
    run: runCollect,
  },
  {
    path: ['operator', 'ceremony', 'cancel'],
    summary: 'command.operator.ceremony.cancel',
    options: [NONCE, DRY_RUN],
    run: runCancel,
  },
  {
    path: ['operator', 'ceremony', 'take-over'],
    summary: 'command.operator.ceremony.take-over',
    options: [DRY_RUN],
    run: runTakeOver,
  },
]

function runShow(invocation: Invocation): Promise<ExitCode> {
  return withServer(invocation, async ({ operator }) => report(invocation, await operator.ceremonies.show()))
}

function runGive(invocation: Invocation): Promise<ExitCode> {
  const nonce = invocation.options.required('nonce')
  return withServer(invocation, async ({ operator }) => {
    const seal = (await operator.status()).sealProvider
    const secret = await readOne(invocation, seal)
    if (invocation.options.flag('dry-run')) return reportPlan(invocation, { lines: [] })
    return report(invocation, await operator.ceremonies.give({ nonce, ...secret }))
  })
}

function runTakeOver(invocation: Invocation): Promise<ExitCode> {
  return withServer(invocation, async ({ operator }) => {
    const seal = (await operator.status()).sealProvider
    const secret = await readOne(invocation, seal)
    if (invocation.options.flag('dry-run')) return reportPlan(invocation, { lines: [] })
    return report(invocation, await operator.ceremonies.takeOver(secret))
  })
}

async function runCollect(invocation: Invocation): Promise<ExitCode> {
  const nonce = invocation.options.required('nonce')
  if (invocation.options.flag('dry-run')) return reportPlan(invocation, { lines: [] })
  await requireSharePlace(invocation)
  return withServer(invocation, async ({ operator }) => {
    const { view } = await collect(invocation, operator.ceremonies, nonce)
    return report(invocation, view)
  })
}

function runCancel(invocation: Invocation): Promise<ExitCode> {
  const nonce = invocation.options.text('nonce')
  return withServer(invocation, async ({ operator }) => {
    if (invocation.options.flag('dry-run')) return reportPlan(invocation, { lines: [] })
    return report(invocation, await operator.ceremonies.cancel(nonce === undefined ? {} : { nonce }))
  })
}

/** New shares into their files. */
export async function collect(
  invocation: Invocation,
  ceremonies: Ceremonies,
  nonce: string,
): Promise<{ readonly view: CeremonyView; readonly files: readonly string[] }> {
  const { shares, ...view } = await ceremonies.collect({ nonce })
  const files = await keepShares(invocation, shares)
  await invocation.printer.note('done.sharesKept', { count: shares.length })
  return { view, files }
}

async function report(invocation: Invocation, view: CeremonyView): Promise<ExitCode> {
  const { printer, terminal } = invocation
  if (printer.json) {
    await writeTo(terminal.stdout, `${formatJson(view)}\n`)
    return OK
  }
  const { given, needed } = view
  await printer.show(view, () =>
    formatFields(printer, [
      ['ceremony.kind', view.kind],
      ['ceremony.phase', view.phase],
      ['ceremony.progress', needed === undefined ? undefined : `${given ?? 0} / ${needed}`],
      ['ceremony.startedBy', view.startedBy],
      ['ceremony.expiresAt', view.expiresAt],
      ['ceremony.takeOver', view.takeOverGiven === undefined ? undefined : String(view.takeOverGiven)],
    ]),
  )
  return OK
}

async function readOne(invocation: Invocation, seal: string | undefined) {
  const secrets = new SecretQueue(invocation)
  const isPassphrase = seal === 'passphrase' && invocation.options.list('share-file').length === 0
  if (isPassphrase) {
    const passphrase = await secrets.passphrase()
    if (passphrase === undefined) throw UsageError.of('usage.optionMissing', { name: '--passphrase-file' })
    return { passphrase }
  }
  const share = await secrets.nextShare({ phase: 'none' })
  if (share === undefined) throw UsageError.of('usage.optionMissing', { name: '--share-file' })
  return { share }
}
