import type { BackupTable, DrillList, DrillReport } from '../../model/backup.ts'
import { titles, withHeading } from './key-text.ts'
import { type Printer, visible } from './printer.ts'

export function formatDrills(printer: Printer, { drills }: DrillList): readonly string[] {
  if (drills.length === 0) return []
  const heading = titles(printer, [
    'column.sequence',
    'column.drilled',
    'column.seconds',
    'column.outcome',
    'column.checks',
    'column.openedBy',
  ])
  const rows = drills.map(({ sequence, startedAt, milliseconds, outcome, code, checks, keys }) => [
    String(sequence),
    startedAt,
    (milliseconds / 1_000).toFixed(1),
    code ?? printer.say(`drill.${outcome}`),
    checks.join(', '),
    keys.join(', '),
  ])
  return withHeading(printer, [heading, ...rows])
}

/** One line for each table that is not as it should be. */
export function formatDifferences(printer: Printer, { differences }: DrillReport): readonly string[] {
  const heading = titles(printer, ['column.table', 'column.against', 'column.expected', 'column.restored'])
  const rows = differences.map(({ name, against, expected, found }) => [
    visible(name),
    printer.say(`drill.${against}`),
    formatTable(printer, expected),
    formatTable(printer, found),
  ])
  return withHeading(printer, [heading, ...rows])
}

function formatTable(printer: Printer, table: BackupTable | undefined): string {
  if (table === undefined) return '–'
  return `${table.rows.toLocaleString(printer.catalogue.language)} (${table.checksum.toString(16)})`
}
