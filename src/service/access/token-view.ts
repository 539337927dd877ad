import { formatInstant, type Instant } from '../../model/clock.ts'
import type { TokenView } from '../../model/coffre.ts'
import type { Token } from '../../model/token.ts'

/** What surfaces show of a token: never its hash. */
export function viewToken(token: Token): TokenView {
  const { id, name, description, role, tenant, policies, cidrs, uses, parent } = token
  return {
    id,
    name,
    description,
    role,
    tenant,
    policies,
    cidrs,
    createdAt: formatInstant(token.createdAt),
    ...viewMoment('expiresAt', token.expiresAt),
    ...viewMoment('revokedAt', token.revokedAt),
    ...viewMoment('renewableUntil', token.renewal?.until),
    ...(uses === undefined ? {} : { maxUses: uses.maximum, usesLeft: uses.left }),
    ...(token.user === undefined ? {} : { user: token.user }),
    ...(parent === undefined ? {} : { parent }),
    ...viewMoment('lastUsedAt', token.lastUsedAt),
  }
}

function viewMoment<Name extends string>(
  name: Name,
  moment: Instant | undefined,
): Partial<Record<Name, string>> {
  const moments: Partial<Record<string, string>> =
    moment === undefined ? {} : { [name]: formatInstant(moment) }
  return moments as Partial<Record<Name, string>>
}
