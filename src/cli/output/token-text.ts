import type { Identity, TokenView } from '../../model/coffre.ts'
import { formatFields, titles, withHeading } from './key-text.ts'
import { type Printer, visible } from './printer.ts'

const NONE = '–'

export function formatTokens(printer: Printer, tokens: readonly TokenView[]): readonly string[] {
  if (tokens.length === 0) return []
  const heading = titles(printer, [
    'column.id',
    'column.name',
    'column.role',
    'column.policies',
    'column.state',
    'column.created',
    'column.expires',
  ])
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.role,
    token.policies.length === 0 ? NONE : token.policies.join(','),
    printer.say(stateOf(token)),
    token.createdAt,
    token.expiresAt ?? NONE,
  ])
  return withHeading(printer, [heading, ...rows])
}

export function formatToken(printer: Printer, token: TokenView): readonly string[] {
  const { maxUses, usesLeft } = token
  return formatFields(printer, [
    ['field.id', token.id],
    ['field.name', visible(token.name)],
    ['field.description', visible(token.description)],
    ['field.role', token.role],
    ['field.tenant', token.tenant],
    ['field.policies', token.policies.join(', ')],
    ['field.state', printer.say(stateOf(token))],
    ['field.created', token.createdAt],
    ['field.expires', token.expiresAt],
    ['field.renewableUntil', token.renewableUntil],
    ['field.uses', maxUses === undefined ? undefined : `${usesLeft ?? 0} / ${maxUses}`],
    ['field.cidrs', token.cidrs.join(', ')],
    ['field.parent', token.parent],
    ['field.lastUsed', token.lastUsedAt],
  ])
}

export function formatIdentity(printer: Printer, identity: Identity): readonly string[] {
  const { principal, tenant, role, policies, token } = identity
  return formatFields(printer, [
    ['field.principal', principal],
    ['field.role', role],
    ['field.tenant', tenant],
    ['field.policies', policies.join(', ')],
    ['field.expires', token?.expiresAt],
    ['field.renewableUntil', token?.renewableUntil],
  ])
}

function stateOf(token: TokenView): 'state.active' | 'state.revoked' | 'state.expired' {
  if (token.revokedAt !== undefined) return 'state.revoked'
  const isOver = token.expiresAt !== undefined && Date.parse(token.expiresAt) <= Date.now()
  return isOver ? 'state.expired' : 'state.active'
}
