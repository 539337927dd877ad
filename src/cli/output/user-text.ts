import type { UserView } from '../../model/user.ts'
import { formatFields, titles, withHeading } from './key-text.ts'
import type { Printer } from './printer.ts'

export function formatUsers(printer: Printer, users: readonly UserView[]): readonly string[] {
  if (users.length === 0) return []
  const heading = titles(printer, ['column.id', 'column.clientId', 'column.created', 'column.updated'])
  const rows = users.map(({ id, clientId, createdAt, updatedAt }) => [id, clientId, createdAt, updatedAt])
  return withHeading(printer, [heading, ...rows])
}

export function formatUser(printer: Printer, user: UserView): readonly string[] {
  return formatFields(printer, [
    ['field.id', user.id],
    ['field.clientId', user.clientId],
    ['field.tenant', user.tenant],
    ['field.created', user.createdAt],
    ['field.updated', user.updatedAt],
  ])
}
