import type { Audit, AuditRecordView, AuditVerification } from '../../model/coffre.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, INTEGRITY, OK } from '../exit-code.ts'
import { chooseDatabase } from '../input/store-setting.ts'
import type { Invocation } from '../invocation.ts'
import { titles, withHeading } from '../output/key-text.ts'
import type { Printer } from '../output/printer.ts'
import { choosePlace } from '../place.ts'
import { connect } from '../with-coffre.ts'

const FROM = { from: 0, to: Number.MAX_SAFE_INTEGER }
const LIMIT = { from: 1, to: 1_000 }
const DEFAULT_LIMIT = 100

export const auditCommands: readonly CommandRow[] = [
  {
    path: ['audit', 'list'],
    summary: 'command.audit.list',
    options: [
      { flags: '--from <index>', help: 'option.from' },
      { flags: '--limit <number>', help: 'option.limitRecords' },
      { flags: '--last <number>', help: 'option.lastRecords' },
    ],
    run: runList,
  },
  { path: ['audit', 'log', 'verify'], summary: 'command.audit.log.verify', run: runVerify },
]

function runList(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  options.exclude('last', 'from')
  options.exclude('last', 'limit')
  const last = options.wholeNumber('last', LIMIT)
  const from = options.wholeNumber('from', FROM) ?? 0
  const limit = options.wholeNumber('limit', LIMIT) ?? DEFAULT_LIMIT
  return withAudit(invocation, async (audit) => {
    const records = await audit.list(last === undefined ? { from, limit } : { last })
    await printer.show({ records }, () => formatRecords(printer, records))
    if (records.length === 0) await printer.note('list.empty')
    if (last === undefined && records.length === limit)
      await printer.note('list.more', { option: `--from ${from + limit}` })
    return OK
  })
}

/** A folder's log is read without its root key: it must be readable when nothing else is any more. */
async function withAudit<Result>(
  invocation: Invocation,
  work: (audit: Audit) => Promise<Result>,
): Promise<Result> {
  const place = choosePlace(invocation.options, invocation.terminal.environment)
  if (place.kind === 'server') return work((await connect(invocation, place.address)).audit)
  const { openAuditLog } = await import('../../app.ts')
  const log = await openAuditLog({ dataDir: place.dataDir, ...(await chooseDatabase(invocation)) })
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

function formatRecords(printer: Printer, records: readonly AuditRecordView[]): readonly string[] {
  if (records.length === 0) return []
  const heading = titles(printer, [
    'column.index',
    'column.at',
    'column.action',
    'column.outcome',
    'column.principal',
  ])
  const rows = records.map((record) => [
    String(record.index),
    record.at,
    record.action,
    record.outcome,
    record.principal,
  ])
  return withHeading(printer, [heading, ...rows])
}

function runVerify(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withAudit(invocation, async (audit) => {
    const verification = await audit.verify()
    await printer.show(verification, () => formatVerification(printer, verification))
    return verification.valid ? OK : INTEGRITY
  })
}

function formatVerification(printer: Printer, verification: AuditVerification): readonly string[] {
  const { valid, size, rootHash, firstBadIndex, reason } = verification
  if (valid)
    return [printer.say('audit.valid', { count: size }), printer.say('audit.root', { hash: rootHash })]
  const damaged = printer.say('audit.invalid', { index: firstBadIndex ?? '?' })
  return [
    printer.styleOut(['red', 'bold'], damaged),
    ...(reason === undefined ? [] : [printer.say('audit.reason', { reason })]),
  ]
}
