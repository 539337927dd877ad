import { CoffreError } from '../../model/errors.ts'
import type { PolicyName } from '../../model/ids.ts'
import type { Token } from '../../model/token.ts'
import type { Caller } from '../caller.ts'

/** What a confined caller may hand out, and sees of others: policies that are all its own. */
export function isWithin(caller: Caller, policies: readonly PolicyName[]): boolean {
  if (!caller.access.isConfined) return true
  return policies.length > 0 && policies.every((name) => caller.access.policies.includes(name))
}

/** Throws TOKEN_NOT_FOUND for a token that does not exist for the caller. */
export function requireVisible(caller: Caller, token: Token | undefined): Token {
  const isVisible = token?.tenant === caller.principal.tenant && isWithin(caller, token.policies)
  if (token === undefined || !isVisible) throw new CoffreError('TOKEN_NOT_FOUND')
  return token
}
