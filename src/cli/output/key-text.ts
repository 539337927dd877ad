import type { KeyView } from '../../model/coffre.ts'
import type { MessageKey } from '../../model/message/catalogue.ts'
import { type Printer, visible } from './printer.ts'
import { formatTable } from './table.ts'

const NONE = '–'

export function formatKeyList(printer: Printer, keys: readonly KeyView[]): readonly string[] {
  if (keys.length === 0) return []
  const heading = titles(printer, [
    'column.name',
    'column.algorithm',
    'column.purpose',
    'column.state',
    'column.current',
    'column.versions',
  ])
  const rows = keys.map((key) => [
    key.name,
    key.algorithm,
    key.purpose,
    printer.say(stateOfKey(key)),
    key.currentVersion === undefined ? NONE : String(key.currentVersion),
    String(key.versions.length),
  ])
  return withHeading(printer, [heading, ...rows])
}

export function formatKey(printer: Printer, key: KeyView): readonly string[] {
  const tags = Object.entries(key.tags).map(([name, value]) => `${name}=${value}`)
  const fields: [MessageKey, string | undefined][] = [
    ['field.name', key.name],
    ['field.id', key.id],
    ['field.algorithm', key.algorithm],
    ['field.purpose', key.purpose],
    ['field.description', key.description],
    ['field.owner', key.owner],
    ['field.environment', key.environment],
    ['field.securityLevel', key.securityLevel],
    ['field.tags', tags.join(', ')],
    ['field.created', key.createdAt],
    ['field.updated', key.updatedAt],
    ['field.current', key.currentVersion === undefined ? NONE : String(key.currentVersion)],
    ['field.floor', String(key.floor)],
    ['field.destroyAt', key.destroyAt],
  ]
  return [...formatFields(printer, fields), '', ...formatVersions(printer, key), ...publicKeys(key)]
}

/** Names and values in two columns, without those that have no value. */
export function formatFields(
  printer: Printer,
  fields: readonly (readonly [MessageKey, string | undefined])[],
): readonly string[] {
  return formatTable(
    fields.flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [[printer.catalogue.messages[key], value]],
    ),
  )
}

export function withHeading(printer: Printer, rows: readonly (readonly string[])[]): readonly string[] {
  const [heading = '', ...lines] = formatTable(rows)
  return [printer.styleOut('bold', heading), ...lines]
}

export function titles(printer: Printer, keys: readonly MessageKey[]): readonly string[] {
  return keys.map((key) => printer.catalogue.messages[key])
}

function formatVersions(printer: Printer, key: KeyView): readonly string[] {
  const heading = titles(printer, ['column.version', 'column.state', 'column.since', 'column.created'])
  const rows = key.versions.map((version) => [
    String(version.version),
    printer.say(`state.${version.state}`),
    version.since,
    version.createdAt,
  ])
  return withHeading(printer, [heading, ...rows])
}

function publicKeys(key: KeyView): readonly string[] {
  return key.versions.flatMap(({ version, publicKey }) =>
    publicKey === undefined
      ? []
      : ['', `# ${key.name} v${version}`, ...publicKey.trim().split('\n').map(visible)],
  )
}

/** One word for the whole key: that of its current version, else of its newest. */
function stateOfKey(key: KeyView): Extract<MessageKey, `state.${string}`> {
  if (key.destroyAt !== undefined) return 'state.pending'
  const current = key.versions.find((version) => version.version === key.currentVersion)
  return `state.${(current ?? key.versions.at(-1))?.state ?? 'pre-activation'}`
}
