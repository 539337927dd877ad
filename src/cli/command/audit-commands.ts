import type { AuditRecordView } from '../../model/audit.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { titles, withHeading } from '../output/key-text.ts'
import type { Printer } from '../output/printer.ts'
import { withAudit } from '../with-audit.ts'

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
