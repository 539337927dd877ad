import type { AcceptedRestore, CheckedProof } from '../../app.ts'
import type { VerifierKeyView } from '../../model/audit.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { chooseStoredSeal } from '../input/seal-choice.ts'
import { chooseDatabase } from '../input/store-setting.ts'
import { readBytes } from '../input/read-input.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { parseWholeNumber } from '../line/option-reader.ts'
import { DRY_RUN, FORCE, IN, OUT } from '../line/option-rows.ts'
import { formatJson, type Printer, visible } from '../output/printer.ts'
import { titles, withHeading } from '../output/key-text.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withSink } from '../output/sink.ts'
import { requireFolder } from '../place.ts'
import { withAudit } from '../with-audit.ts'
import { withCoffre } from '../with-coffre.ts'
import { readNote, VERIFIER_KEY } from './audit-log-commands.ts'

const INDEX = { from: 0, to: Number.MAX_SAFE_INTEGER }
/** A record of 1 MiB in base64, 63 hashes and a note. */
const MAX_PROOF_BYTES = 2 * 1024 * 1024

/** Checkpoints and what is proved by them. */
export const auditProofCommands: readonly CommandRow[] = [
  {
    path: ['audit', 'checkpoint'],
    summary: 'command.audit.checkpoint',
    options: [OUT, FORCE, DRY_RUN],
    run: runCheckpoint,
  },
  { path: ['audit', 'key', 'list'], summary: 'command.audit.key.list', run: runKeyList },
  {
    path: ['audit', 'key', 'rotate'],
    summary: 'command.audit.key.rotate',
    options: [DRY_RUN],
    run: runKeyRotate,
  },
  {
    path: ['audit', 'prove', 'inclusion'],
    summary: 'command.audit.prove.inclusion',
    arguments: [{ syntax: '<index>', help: 'argument.recordIndex' }],
    options: [{ flags: '--size <number>', help: 'option.treeSize' }, OUT, FORCE],
    run: runInclusion,
  },
  {
    path: ['audit', 'prove', 'consistency'],
    summary: 'command.audit.prove.consistency',
    arguments: [
      { syntax: '<from>', help: 'argument.olderSize' },
      { syntax: '[to]', help: 'argument.newerSize' },
    ],
    options: [OUT, FORCE],
    run: runConsistency,
  },
  {
    path: ['audit', 'check-proof'],
    summary: 'command.audit.checkProof',
    options: [IN, VERIFIER_KEY, { flags: '--old <file>', help: 'option.oldCheckpoint' }],
    run: runCheckProof,
  },
  {
    path: ['audit', 'accept-restore'],
    summary: 'command.audit.acceptRestore',
    options: [DRY_RUN],
    run: runAcceptRestore,
  },
]

async function runCheckpoint(invocation: Invocation): Promise<ExitCode> {
  if (invocation.options.flag('dry-run')) return reportPlan(invocation, { lines: [] })
  const made = await withCoffre(invocation, (coffre) => coffre.audit.writeCheckpoint())
  return writeText(invocation, made, made.note)
}

async function runKeyList(invocation: Invocation): Promise<ExitCode> {
  return showKeys(invocation, await withAudit(invocation, (audit) => audit.verifierKeys()))
}

async function runKeyRotate(invocation: Invocation): Promise<ExitCode> {
  if (invocation.options.flag('dry-run')) return reportPlan(invocation, { lines: [] })
  return showKeys(invocation, await withCoffre(invocation, (coffre) => coffre.audit.rotateSigningKey()))
}

async function showKeys({ printer }: Invocation, keys: readonly VerifierKeyView[]): Promise<ExitCode> {
  const rows = keys.map(({ version, state, verifierKey }) => [String(version), state, verifierKey])
  const heading = titles(printer, ['column.version', 'column.state', 'column.verifierKey'])
  await printer.show({ keys }, () => withHeading(printer, [heading, ...rows]))
  return OK
}

async function runInclusion(invocation: Invocation): Promise<ExitCode> {
  const index = parseWholeNumber(valueAt(invocation, 0), '<index>', INDEX)
  const size = invocation.options.wholeNumber('size', INDEX)
  const options = size === undefined ? {} : { size }
  const proof = await withAudit(invocation, (audit) => audit.proveInclusion(index, options))
  return writeText(invocation, proof, proof.text)
}

async function runConsistency(invocation: Invocation): Promise<ExitCode> {
  const from = parseWholeNumber(valueAt(invocation, 0), '<from>', INDEX)
  const [, second] = invocation.values
  const to = second === undefined ? undefined : parseWholeNumber(second, '[to]', INDEX)
  const proof = await withAudit(invocation, (audit) => audit.proveConsistency(from, to))
  return writeText(invocation, proof, proof.text)
}

/** A size that no checkpoint has gives a proof without a signed text: its hashes are shown as JSON. */
async function writeText(invocation: Invocation, view: object, text: string | undefined): Promise<ExitCode> {
  await withSink(invocation, 'out', (sink) =>
    sink.write(text === undefined || invocation.printer.json ? `${formatJson(view)}\n` : text),
  )
  return OK
}

async function runCheckProof(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { checkProof } = await import('../../app.ts')
  const old = options.text('old')
  const bytes = await readBytes(invocation, { maximumBytes: MAX_PROOF_BYTES, prompt: 'prompt.proof' })
  const checked = checkProof(Buffer.from(bytes).toString('utf8'), {
    verifierKeys: options.list('verifier-key'),
    ...(old === undefined ? {} : { old: await readNote(old, '--old') }),
  })
  await printer.show(checked, () => formatChecked(printer, checked))
  return OK
}

function formatChecked(
  printer: Printer,
  { origin, size, index, body, from }: CheckedProof,
): readonly string[] {
  if (from !== undefined) return [printer.say('audit.consistent', { from, size, origin: visible(origin) })]
  return [
    printer.say('audit.included', { index: index ?? '?', size, origin: visible(origin) }),
    ...(body === undefined ? [] : [visible(body)]),
  ]
}

async function runAcceptRestore(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre audit accept-restore')
  const dryRun = options.flag('dry-run')
  const { acceptRestore } = await import('../../app.ts')
  const seal = await chooseStoredSeal(invocation)
  const answer = await acceptRestore({
    dataDir,
    dryRun,
    ...(await chooseDatabase(invocation)),
    ...(seal === undefined ? {} : { seal }),
  })
  const { verdict, size, newest, accepted } = answer
  const view = {
    verdict,
    size,
    accepted,
    dryRun,
    ...(newest === undefined ? {} : { checkpointSize: newest.size }),
  }
  await printer.show(view, () => [formatRestore(printer, answer)])
  return OK
}

function formatRestore(printer: Printer, { verdict, size, newest, accepted }: AcceptedRestore): string {
  if (verdict === 'agrees' || newest === undefined) return printer.say('audit.nothingToAccept', { size })
  const sizes = { size, checkpointSize: newest.size }
  return printer.say(accepted ? 'audit.accepted' : 'audit.wouldAccept', sizes)
}
