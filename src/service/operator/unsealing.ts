import type { Clock } from '../../model/clock.ts'
import type { UnsealOptions } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import type { SealProvider } from '../../seal/seal-provider.ts'
import { parseShare } from '../../seal/shamir/share-text.ts'
import type { Share } from '../../seal/shamir/share.ts'
import { parseShareSet, type ShareSet } from '../../seal/shamir/split.ts'
import { slotParameters } from '../../seal/slot.ts'
import { UnsealedVault } from '../../seal/vault.ts'
import type { SealSlot, Store } from '../../store/store.ts'
import { InTurn } from './in-turn.ts'
import { ShareCollection } from './share-collection.ts'

/** Secrets for a stored slot, where people hold them. */
export interface GivenSecrets {
  readonly passphrase?: Secret
  readonly shares?: readonly Share[]
}

/** The provider for a stored slot. Throws SEAL_KEY_MISSING when its secret was not given. */
export type FindSealProvider = (name: string, given?: GivenSecrets) => SealProvider

export interface UnsealingParts {
  readonly store: Store
  readonly clock: Clock
  readonly findSealProvider: FindSealProvider
}

export interface ShareProgress {
  readonly sharesGiven: number
  readonly sharesNeeded: number
}

/** From stored slots and what somebody gives to an unsealed vault. */
export class Unsealing {
  readonly #parts: UnsealingParts
  readonly #shares: ShareCollection
  readonly #turn = new InTurn()

  constructor(parts: UnsealingParts) {
    this.#parts = parts
    this.#shares = new ShareCollection(parts.clock)
  }

  /** `undefined` while more shares are needed. Throws as `UnsealedVault.open`, and NOT_INITIALISED. */
  open(given: UnsealOptions): Promise<UnsealedVault | undefined> {
    return this.#turn.run(async () => {
      const slots = await newestSlots(this.#parts.store)
      if (given.share !== undefined) return this.#openByShare(slots, given.share)
      return this.#openAny(fittingSlots(slots, given.passphrase), given)
    })
  }

  /** `undefined` where no shares seal. */
  async progress(slots: readonly SealSlot[]): Promise<ShareProgress | undefined> {
    const set = slots.filter(isShamir).map(readShareSet)[0]
    if (set === undefined) return undefined
    return { sharesGiven: this.#shares.count(set), sharesNeeded: set.threshold }
  }

  forgetExpired(): void {
    this.#shares.forgetExpired()
  }

  reset(): void {
    this.#shares.wipe()
  }

  async #openByShare(slots: readonly SealSlot[], text: Secret): Promise<UnsealedVault | undefined> {
    if (!slots.some(isShamir)) throw wrongCredential('share', slots)
    const share = parseShare(text)
    const slot = slots.filter(isShamir).find((each) => readShareSet(each).setId === share.setId)
    if (slot === undefined) {
      share.value.wipe()
      throw new CoffreError('SHARE_FOREIGN', { facts: { share: share.number, set: share.setId } })
    }
    if (!this.#shares.add(share, readShareSet(slot))) return undefined
    try {
      return await this.#open(slot, { shares: this.#shares.shares })
    } finally {
      this.#shares.wipe()
    }
  }

  /** The first that opens. Where none does, the trouble of the first is told. */
  async #openAny(slots: readonly SealSlot[], given: UnsealOptions): Promise<UnsealedVault> {
    const failures: unknown[] = []
    for (const slot of slots) {
      try {
        return await this.#open(slot, given.passphrase === undefined ? {} : { passphrase: given.passphrase })
      } catch (error) {
        failures.push(error)
      }
    }
    throw failures[0]
  }

  /** With the root keys before it, which the store still needs while a rotation lasts. */
  async #open(slot: SealSlot, given: GivenSecrets): Promise<UnsealedVault> {
    const provider = this.#parts.findSealProvider(slot.provider, given)
    const vault = await UnsealedVault.open(provider, slot.wrapped, slot.root)
    vault.follow(await this.#parts.store.listRootLinks())
    return vault
  }
}

/** Those of the newest root key. Throws NOT_INITIALISED. */
export async function newestSlots(store: Pick<Store, 'listSealSlots'>): Promise<readonly SealSlot[]> {
  const slots = await store.listSealSlots()
  const [first] = slots
  if (first === undefined) throw new CoffreError('NOT_INITIALISED')
  return slots.filter((slot) => slot.root === first.root)
}

export function isShamir(slot: SealSlot): boolean {
  return slot.provider === 'shamir'
}

export function readShareSet(slot: SealSlot): ShareSet {
  return parseShareSet(slotParameters('shamir', slot.wrapped))
}

/** A passphrase must not pass for a credential where none seals: any text at all would. */
function fittingSlots(slots: readonly SealSlot[], passphrase: Secret | undefined): readonly SealSlot[] {
  if (passphrase === undefined) return slots
  const fitting = slots.filter((slot) => slot.provider === 'passphrase')
  if (fitting.length === 0) throw wrongCredential('passphrase', slots)
  return fitting
}

function wrongCredential(at: string, slots: readonly SealSlot[]): CoffreError {
  return new CoffreError('INVALID_REQUEST', { facts: { at, expected: slots[0]?.provider ?? 'none' } })
}
