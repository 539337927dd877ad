import type { BackupList, BackupSeries, BackupSlotView, BackupSummary } from '../../model/backup.ts'
import { formatFields, titles, withHeading } from './key-text.ts'
import type { Printer } from './printer.ts'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
const STEP = 1_024

export function formatBackups(printer: Printer, { backups, missing }: BackupList): readonly string[] {
  if (backups.length === 0 && missing.length === 0) return []
  const heading = titles(printer, [
    'column.sequence',
    'column.created',
    'column.source',
    'column.size',
    'column.openedBy',
    'column.state',
  ])
  const present = backups.map((backup) => [
    String(backup.sequence),
    backup.createdAt,
    backup.source,
    formatBytes(printer, backup.bodyBytes),
    backup.slots.map(formatSlot).join(', '),
    printer.say(backup.isTrusted ? 'backup.trusted' : 'backup.untrusted'),
  ])
  const gone = missing.map(({ sequence }) => [
    String(sequence),
    '–',
    '–',
    '–',
    '–',
    printer.say('backup.missing'),
  ])
  return withHeading(printer, [heading, ...present, ...gone])
}

export function formatSeries(printer: Printer, series: readonly BackupSeries[]): readonly string[] {
  if (series.length === 0) return []
  const heading = titles(printer, [
    'column.series',
    'column.backups',
    'column.newest',
    'column.created',
    'column.source',
    'column.size',
    'column.state',
  ])
  const rows = series.map(({ series: name, backups, newest, error }) => [
    name,
    String(backups),
    ...(newest === undefined
      ? ['–', '–', '–', '–', error ?? '–']
      : [
          String(newest.sequence),
          newest.createdAt,
          newest.source,
          formatBytes(printer, newest.bodyBytes),
          printer.say(newest.isTrusted ? 'backup.trusted' : 'backup.untrusted'),
        ]),
  ])
  return withHeading(printer, [heading, ...rows])
}

export function formatBackup(printer: Printer, backup: BackupSummary): readonly string[] {
  const facts = Object.entries(backup.facts).map(([name, value]) => `${name}=${value}`)
  return formatFields(printer, [
    ['field.id', backup.id],
    ['field.series', `${backup.series} ${backup.sequence}`],
    ['field.created', backup.createdAt],
    ['field.source', backup.source],
    ['field.facts', facts.join(', ')],
    ['field.compression', backup.compression],
    ['field.size', formatBytes(printer, backup.bodyBytes)],
    ['field.openedBy', backup.slots.map(formatSlot).join(', ')],
    ['field.signer', backup.signer],
    ['field.state', printer.say(backup.isTrusted ? 'backup.trusted' : 'backup.untrusted')],
    ['field.note', backup.note],
  ])
}

/** `12.3 MiB`, with the separators of the reader's language. */
export function formatBytes(printer: Printer, bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= STEP && unit < UNITS.length - 1; unit += 1) value /= STEP
  const digits = { maximumFractionDigits: unit === 0 ? 0 : 1 }
  return `${value.toLocaleString(printer.catalogue.language, digits)} ${UNITS[unit] ?? ''}`
}

function formatSlot(slot: BackupSlotView): string {
  if (slot.slot === 'key') return `key ${slot.key}`
  return slot.slot === 'recovery' ? `recovery ${slot.recipient}` : 'passphrase'
}
