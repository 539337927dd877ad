import { randomKeyMaterial } from '../../crypto/random.ts'
import { CoffreError } from '../../model/errors.ts'
import { SEAL_KEY_BYTES, type SealProvider } from '../seal-provider.ts'
import type { Share } from './share.ts'
import {
  combineShares,
  encodeShareSet,
  parseShareSet,
  type Quorum,
  requireMember,
  splitSealKey,
} from './split.ts'

export interface ShamirSealOptions {
  /** For a new slot. */
  readonly quorum?: Quorum
  /** Gets the shares of a new slot, before anything is stored. */
  readonly keep?: (shares: readonly Share[]) => Promise<void> | void
  /** For a stored slot: the shares at hand, of any set. */
  readonly given?: readonly Share[]
}

/** A random seal key, of which any `threshold` of the shares are enough and fewer tell nothing. */
export function shamirSeal(options: ShamirSealOptions): SealProvider {
  const { quorum, keep, given = [] } = options
  return {
    name: 'shamir',
    create: async () => {
      if (quorum === undefined) throw new Error('unreachable: a new slot has a quorum')
      const sealKey = randomKeyMaterial(SEAL_KEY_BYTES)
      const shares = await splitSealKey(sealKey, quorum)
      const parameters = encodeShareSet(shares, sealKey)
      await keep?.(shares)
      return { sealKey, parameters }
    },
    recover: async (parameters) => {
      const set = parseShareSet(parameters)
      const own = distinct(given.filter((share) => share.setId === set.setId))
      for (const share of own) requireMember(share, set)
      if (own.length >= set.threshold) return combineShares(own, set)
      const facts = { setting: 'shares', given: own.length, needed: set.threshold }
      throw new CoffreError('SEAL_KEY_MISSING', { facts })
    },
  }
}

/** Another slot that the same shares open: the next root key under the seal key that is there. */
export function sameShamirSeal(parameters: Uint8Array, given: readonly Share[]): SealProvider {
  const provider = shamirSeal({ given })
  return {
    name: 'shamir',
    create: async () => ({ sealKey: await provider.recover(parameters), parameters }),
    recover: (stored) => provider.recover(stored),
  }
}

function distinct(shares: readonly Share[]): readonly Share[] {
  return [...new Map(shares.map((share) => [share.number, share])).values()]
}
