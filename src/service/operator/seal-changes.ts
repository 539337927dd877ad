import { randomUuid } from '../../crypto/random.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Wrapped } from '../../model/wrapped.ts'
import { passphraseSeal } from '../../seal/passphrase/passphrase-seal.ts'
import type { SealProvider } from '../../seal/seal-provider.ts'
import type { NextRoot } from '../../seal/vault.ts'
import type { SealSlot, Store, StoreTransaction } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { Ceremony } from './ceremony.ts'
import type { FindSealProvider } from './unsealing.ts'

export interface SealChangesParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly findSealProvider: FindSealProvider
}

/** The one transaction of each ceremony: before it the old secrets open, after it the new ones do. */
export class SealChanges {
  readonly #parts: SealChangesParts

  constructor(parts: SealChangesParts) {
    this.#parts = parts
  }

  /** For a rekey to what needs no shares. */
  newProvider({ seal }: Ceremony): SealProvider {
    if (seal === undefined || seal.provider === 'shamir')
      throw new Error('unreachable: checked when it began')
    if (seal.provider === 'passphrase') return passphraseSeal(seal.passphrase)
    return this.#parts.findSealProvider(seal.provider)
  }

  async replaceSeal(
    caller: Caller,
    ceremony: Ceremony,
    made: { readonly provider: string; readonly wrapped: Wrapped },
  ): Promise<void> {
    await this.#parts.store.transaction(async (tx) => {
      const slots = await this.#requireUnchanged(tx, ceremony)
      await tx.insertSealSlot(this.#slot(made.provider, made.wrapped, ceremony.present.root))
      for (const { id } of slots) await tx.deleteSealSlot(id)
      const detail = { from: ceremony.present.provider, to: made.provider, ...quorumOf(ceremony) }
      await this.#append(tx, caller, { action: 'seal.rekey', detail })
    })
  }

  /** Slots, and links both ways: from here on a process finds the way from either root key. */
  async storeNextRoot(caller: Caller, ceremony: Ceremony, next: NextRoot): Promise<void> {
    const createdAt = this.#parts.clock()
    await this.#parts.store.transaction(async (tx) => {
      await this.#requireUnchanged(tx, ceremony)
      await tx.insertSealSlot(this.#slot(ceremony.present.provider, next.slot, next.generation))
      await tx.insertRootLink({ ...next.backward, createdAt })
      await tx.insertRootLink({ ...next.forward, createdAt })
      const detail = { root: next.generation, seal: ceremony.present.provider }
      await this.#append(tx, caller, { action: 'root.rotate', detail })
    })
  }

  /** Another process may have changed the seal since this ceremony began. Throws CONFLICT. */
  async #requireUnchanged(tx: StoreTransaction, { present }: Ceremony): Promise<readonly SealSlot[]> {
    const slots = await tx.listSealSlots()
    const newest = slots[0]?.root
    if (slots.some(({ id }) => id === present.id) && newest === present.root) return slots
    throw new CoffreError('CONFLICT', { facts: { part: 'seal' } })
  }

  #slot(provider: string, wrapped: Wrapped, root: number): SealSlot {
    return { id: randomUuid(), provider, wrapped, root, createdAt: this.#parts.clock() }
  }

  async #append(
    tx: StoreTransaction,
    caller: Caller,
    step: { readonly action: AuditAction; readonly detail: Readonly<Record<string, string | number>> },
  ): Promise<void> {
    const { principal, requestId } = caller
    await this.#parts.trail.append(tx, [{ ...step, principal, requestId, outcome: 'ok' }])
  }
}

function quorumOf({ seal }: Ceremony): Readonly<Record<string, number>> {
  return seal?.provider === 'shamir' ? { shares: seal.shares, threshold: seal.threshold } : {}
}
