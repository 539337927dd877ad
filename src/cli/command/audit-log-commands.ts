import { createReadStream } from 'node:fs'
import type { Audit, AuditFinding, AuditVerification } from '../../model/audit.ts'
import { MAX_NOTE_CHARACTERS } from '../../model/limits.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, FINDING, INTEGRITY, OK } from '../exit-code.ts'
import { readLines } from '../input/read-lines.ts'
import { readLimitedFile } from '../input/read-limited.ts'
import type { Invocation } from '../invocation.ts'
import { FORCE, OUT } from '../line/option-rows.ts'
import { Progress } from '../output/progress.ts'
import { type Sink, withSink } from '../output/sink.ts'
import type { Printer } from '../output/printer.ts'
import { withAudit } from '../with-audit.ts'

/** A record of a batch over 1,000 versions has 150 kB. */
const MAX_RECORD_BYTES = 1024 * 1024
const PAGE = 1_000

export const VERIFIER_KEY: OptionRow = {
  flags: '--verifier-key <key>',
  help: 'option.verifierKey',
  repeats: true,
}

/** The log as a whole. */
export const auditLogCommands: readonly CommandRow[] = [
  {
    path: ['audit', 'log', 'verify'],
    summary: 'command.audit.log.verify',
    options: [
      { flags: '--checkpoint <file>', help: 'option.checkpoint' },
      VERIFIER_KEY,
      { flags: '--file <file>', help: 'option.exportFile' },
    ],
    run: runVerify,
  },
  {
    path: ['audit', 'log', 'export'],
    summary: 'command.audit.log.export',
    options: [OUT, FORCE],
    run: runExport,
  },
]

async function runVerify(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const asked = await readAsked(invocation)
  const file = options.text('file')
  const verification =
    file === undefined
      ? await withAudit(invocation, (audit) => audit.verify(asked))
      : await verifyFile(invocation, file, asked)
  await printer.show(verification, () => formatVerification(printer, verification))
  for (const finding of verification.findings) await printer.note(FINDINGS[finding])
  if (!verification.valid) return INTEGRITY
  return verification.findings.length > 0 ? FINDING : OK
}

const FINDINGS = {
  'copy-missing': 'audit.copyMissing',
  'copy-damaged': 'audit.copyDamaged',
  unsigned: 'audit.unsigned',
} as const satisfies Record<AuditFinding, string>

type Asked = NonNullable<Parameters<Audit['verify']>[0]>

async function readAsked({ options }: Invocation): Promise<Asked> {
  const path = options.text('checkpoint')
  const verifierKeys = options.list(VERIFIER_KEY_NAME)
  return {
    ...(path === undefined ? {} : { checkpoint: await readNote(path, '--checkpoint') }),
    ...(verifierKeys.length === 0 ? {} : { verifierKeys }),
  }
}

const VERIFIER_KEY_NAME = 'verifier-key'

export async function readNote(path: string, name: string): Promise<string> {
  const bytes = await readLimitedFile(path, { name, maximumBytes: MAX_NOTE_CHARACTERS })
  // Cut out of a file with an editor it may end in one newline more, or less.
  return `${Buffer.from(bytes).toString('utf8').trimEnd()}\n`
}

async function verifyFile(invocation: Invocation, path: string, asked: Asked): Promise<AuditVerification> {
  const { verifyExport } = await import('../../app.ts')
  const progress = new Progress(invocation.printer)
  const answer = await verifyExport(readBodies(path, progress), asked)
  await progress.end()
  return answer
}

async function* readBodies(path: string, progress: Progress): AsyncGenerator<readonly string[]> {
  const limit = { name: '--file', maximumBytes: MAX_RECORD_BYTES }
  let bodies: string[] = []
  let count = 0
  for await (const line of readLines(createReadStream(path), limit)) {
    bodies.push(Buffer.from(line).toString('utf8'))
    count += 1
    if (bodies.length < PAGE) continue
    yield bodies
    bodies = []
    await progress.show(count)
  }
  yield bodies
}

async function runExport(invocation: Invocation): Promise<ExitCode> {
  await withSink(invocation, 'out', (sink) =>
    withAudit(invocation, (audit) => writeBodies(invocation, audit, sink)),
  )
  return OK
}

async function writeBodies({ printer }: Invocation, audit: Audit, sink: Sink): Promise<void> {
  const progress = new Progress(printer)
  for (let from = 0; ; from += PAGE) {
    const records = await audit.list({ from, limit: PAGE })
    if (records.length > 0) await sink.write(records.map(({ body }) => `${body}\n`).join(''))
    await progress.show(from + records.length)
    if (records.length < PAGE) break
  }
  await progress.end()
}

function formatVerification(printer: Printer, verification: AuditVerification): readonly string[] {
  const { valid, size, rootHash, firstBadIndex, reason, signedSize } = verification
  if (valid) {
    const newer = size - (signedSize ?? 0)
    const intact =
      signedSize === undefined
        ? printer.say('audit.valid', { count: size })
        : printer.say('audit.validSigned', { signed: signedSize, newer })
    return [intact, printer.say('audit.root', { hash: rootHash })]
  }
  const damaged = printer.say('audit.invalid', { index: firstBadIndex ?? '?' })
  return [
    printer.styleOut(['red', 'bold'], damaged),
    ...(reason === undefined ? [] : [printer.say('audit.reason', { reason })]),
  ]
}
