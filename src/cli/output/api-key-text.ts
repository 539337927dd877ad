import type { ApiKeyView, ListedApiKey } from '../../model/api-key.ts'
import { formatFields, titles, withHeading } from './key-text.ts'
import type { Printer } from './printer.ts'

const NONE = '–'

export function formatApiKey(printer: Printer, apiKey: ApiKeyView): readonly string[] {
  return formatFields(printer, [
    ['field.state', apiKey.status],
    ['field.provider', apiKey.provider],
    ['field.created', apiKey.createdAt],
    ['field.lastFour', apiKey.lastFour],
    ['field.fingerprint', apiKey.fingerprint],
    ['field.wrappingForm', apiKey.form],
  ])
}

export function formatApiKeys(printer: Printer, apiKeys: readonly ListedApiKey[]): readonly string[] {
  if (apiKeys.length === 0) return []
  const heading = titles(printer, [
    'column.id',
    'column.clientId',
    'column.provider',
    'column.state',
    'column.created',
  ])
  const rows = apiKeys.map(({ user, clientId, provider, status, createdAt }) => [
    user,
    clientId,
    provider ?? NONE,
    status,
    createdAt ?? NONE,
  ])
  return withHeading(printer, [heading, ...rows])
}
