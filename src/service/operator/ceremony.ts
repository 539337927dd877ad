import type { Principal } from '../../model/audit-event.ts'
import { type Clock, formatInstant, type Instant } from '../../model/clock.ts'
import type { CeremonyKind, CeremonyPhase, CeremonyView, NewSealRequest } from '../../model/ceremony.ts'
import type { Wrapped } from '../../model/wrapped.ts'
import type { SealProvider } from '../../seal/seal-provider.ts'
import type { Share } from '../../seal/shamir/share.ts'
import type { ShareSet } from '../../seal/shamir/split.ts'
import type { SealSlot } from '../../store/store.ts'
import { ShareCollection } from './share-collection.ts'
import { isShamir, readShareSet } from './unsealing.ts'

/** A slot that waits for its shares to be shown once more before it counts. */
export interface FreshSlot {
  readonly wrapped: Wrapped
  readonly set: ShareSet
}

/** One ceremony, in memory only: a process that dies leaves the seal that was there. */
export class Ceremony {
  readonly kind: CeremonyKind
  readonly nonce: string
  readonly starter: Principal
  /** The seal that is there, whose secrets authorise. */
  readonly present: SealSlot
  readonly seal: NewSealRequest | undefined
  readonly old: ShareCollection
  readonly new: ShareCollection
  readonly takeOver: ShareCollection
  phase: Exclude<CeremonyPhase, 'none' | 'done'> = 'authorize'
  expiresAt: Instant
  /** What authorised it, to seal the next root key in the same way. */
  provider: SealProvider | undefined
  fresh: FreshSlot | undefined

  constructor(begun: {
    readonly kind: CeremonyKind
    readonly nonce: string
    readonly starter: Principal
    readonly present: SealSlot
    readonly seal: NewSealRequest | undefined
    readonly clock: Clock
    readonly expiresAt: Instant
  }) {
    this.kind = begun.kind
    this.nonce = begun.nonce
    this.starter = begun.starter
    this.present = begun.present
    this.seal = begun.seal
    this.expiresAt = begun.expiresAt
    this.old = new ShareCollection(begun.clock)
    this.new = new ShareCollection(begun.clock)
    this.takeOver = new ShareCollection(begun.clock)
  }

  /** Of the shares that seal now; `undefined` where others do. */
  get presentSet(): ShareSet | undefined {
    return isShamir(this.present) ? readShareSet(this.present) : undefined
  }

  /** A key file and the environment are within the reach of whoever runs the process. */
  get needsSecret(): boolean {
    return isShamir(this.present) || this.present.provider === 'passphrase'
  }

  isStartedBy(principal: Principal): boolean {
    const { kind, id, tenant } = this.starter
    return principal.kind === kind && principal.id === id && principal.tenant === tenant
  }

  get shares(): readonly Share[] {
    return this.old.shares
  }

  view(): CeremonyView {
    return {
      phase: this.phase,
      kind: this.kind,
      startedBy: describePrincipal(this.starter),
      expiresAt: formatInstant(this.expiresAt),
      ...this.#progress(),
    }
  }

  wipe(): void {
    for (const collection of [this.old, this.new, this.takeOver]) collection.wipe()
    this.fresh = undefined
    this.provider = undefined
  }

  #progress(): Partial<CeremonyView> {
    const present = this.presentSet
    const takeOverGiven = present === undefined ? 0 : this.takeOver.count(present)
    const takeOver = takeOverGiven === 0 ? {} : { takeOverGiven }
    if (this.phase === 'authorize') {
      if (present === undefined) return { given: 0, needed: 1, ...takeOver }
      return { given: this.old.count(present), needed: present.threshold, ...takeOver }
    }
    if (this.phase === 'verify' && this.fresh !== undefined) {
      const { set } = this.fresh
      return { given: this.new.count(set), needed: set.threshold, ...takeOver }
    }
    return takeOver
  }
}

export function describePrincipal({ kind, id }: Principal): string {
  return id === '' ? kind : `${kind}:${id}`
}
