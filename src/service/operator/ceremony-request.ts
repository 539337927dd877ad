import type { CeremonyRequest, NewSealRequest } from '../../model/ceremony.ts'
import { CoffreError } from '../../model/errors.ts'
import { checkQuorum } from '../../seal/shamir/split.ts'

/** The new seal of a rekey; none for a rotation of the root. Throws INVALID_REQUEST. */
export function checkNewSeal(request: CeremonyRequest, present: string): NewSealRequest | undefined {
  const { kind, seal } = request
  if (kind === 'rotate-root') {
    if (seal === undefined) return undefined
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'seal', expected: 'none: the seal stays' } })
  }
  if (seal === undefined)
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'seal', expected: 'a seal' } })
  if (seal.provider === 'shamir') checkQuorum(seal)
  // The process reaches one key file and one variable: the same again would change nothing.
  const isSame = seal.provider === present && (seal.provider === 'file' || seal.provider === 'environment')
  if (isSame)
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'seal', expected: `not ${present} again` } })
  return seal
}
