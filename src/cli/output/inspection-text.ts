import type { Inspection } from '../../model/coffre.ts'
import { formatFields } from './key-text.ts'
import { type Printer, visible } from './printer.ts'

export function formatInspection(printer: Printer, found: Inspection): readonly string[] {
  const fields = formatFields(printer, [
    ['field.format', found.format],
    ['field.algorithm', found.algorithm],
    ['field.key', found.key],
    ['field.keyId', found.keyId],
    ['field.version', found.version === undefined ? undefined : String(found.version)],
    ['field.created', found.createdAt],
  ])
  const facts = Object.entries(found.facts).map(([name, value]) => visible(`${name}: ${value}`))
  return [...fields, ...facts]
}
