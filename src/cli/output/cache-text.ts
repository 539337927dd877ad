import type { ListedEntry } from '../../model/cache.ts'
import { formatBytes } from './backup-text.ts'
import { titles, withHeading } from './key-text.ts'
import { type Printer, visible } from './printer.ts'

const NONE = '–'

export function formatEntries(printer: Printer, entries: readonly ListedEntry[]): readonly string[] {
  if (entries.length === 0) return []
  const heading = titles(printer, [
    'column.name',
    'column.state',
    'column.format',
    'column.size',
    'column.created',
    'column.expires',
  ])
  const rows = entries.map(({ name, status, format, storedBytes, writtenAt, expiresAt }) => [
    // A store may hold any name.
    visible(name),
    status,
    String(format),
    formatBytes(printer, storedBytes),
    writtenAt ?? NONE,
    expiresAt ?? NONE,
  ])
  return withHeading(printer, [heading, ...rows])
}
