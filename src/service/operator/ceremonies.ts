import { randomBytes } from '../../crypto/random.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import { addMilliseconds, type Clock } from '../../model/clock.ts'
import type {
  BegunCeremony,
  Ceremonies as CeremoniesOfCaller,
  CeremonyRequest,
  CeremonySecret,
  CeremonyView,
  NewShares,
} from '../../model/ceremony.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import type { SealProvider } from '../../seal/seal-provider.ts'
import { sameShamirSeal, shamirSeal } from '../../seal/shamir/shamir-seal.ts'
import { formatShare, parseShare } from '../../seal/shamir/share-text.ts'
import type { Share } from '../../seal/shamir/share.ts'
import { parseShareSet } from '../../seal/shamir/split.ts'
import { slotParameters } from '../../seal/slot.ts'
import type { UnsealedVault } from '../../seal/vault.ts'
import type { Store } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { UnsealGate } from '../attempt/unseal-gate.ts'
import type { Caller } from '../caller.ts'
import { checkNewSeal } from './ceremony-request.ts'
import { Ceremony, describePrincipal } from './ceremony.ts'
import { InTurn } from './in-turn.ts'
import { SealChanges } from './seal-changes.ts'
import { CEREMONY_MS } from './share-collection.ts'
import { type FindSealProvider, newestSlots } from './unsealing.ts'

const NONCE_BYTES = 16
const NONE: CeremonyView = { phase: 'none' }

export interface CeremoniesParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly findSealProvider: FindSealProvider
  /** Throws SEALED. */
  readonly vault: () => UnsealedVault
  readonly gate: UnsealGate
  /** A new root key is stored: follow it and bring everything there. */
  readonly whenRotated: () => Promise<void>
}

type Given = Omit<CeremonySecret, 'nonce'>

/** Changes of the seal and of the root key, one at a time, with the rules of docs/design/root-of-trust.md. */
export class Ceremonies {
  readonly #parts: CeremoniesParts
  readonly #changes: SealChanges
  readonly #turn = new InTurn()
  #open: Ceremony | undefined

  constructor(parts: CeremoniesParts) {
    this.#parts = parts
    this.#changes = new SealChanges(parts)
  }

  for(caller: Caller): CeremoniesOfCaller {
    return {
      begin: (request) => this.#turn.run(() => this.#begin(caller, request)),
      show: () => this.#turn.run(() => this.#show(caller)),
      give: (secret) => this.#turn.run(() => this.#give(caller, secret)),
      collect: ({ nonce }) => this.#turn.run(() => this.#collect(caller, nonce)),
      cancel: ({ nonce }) => this.#turn.run(() => this.#cancel(caller, nonce)),
      takeOver: (secret) => this.#turn.run(() => this.#takeOver(caller, secret)),
    }
  }

  forgetExpired(): void {
    if (this.#open !== undefined && this.#open.expiresAt <= this.#parts.clock()) this.abandon()
  }

  /** Nothing of it is kept: the seal that was there stays. */
  abandon(): void {
    this.#open?.wipe()
    this.#open = undefined
  }

  async #begin(caller: Caller, request: CeremonyRequest): Promise<BegunCeremony> {
    const { store, trail, clock, vault } = this.#parts
    await authorize(trail, caller, 'operator.change')
    vault()
    this.forgetExpired()
    if (this.#open !== undefined) throw new CoffreError('CEREMONY_UNDER_WAY', { facts: factsOf(this.#open) })
    if ((await store.listRootLinks()).length > 0) {
      throw new CoffreError('CEREMONY_UNDER_WAY', { facts: { kind: 'rotate-root', phase: 'rewrap' } })
    }
    const [present, ...others] = await newestSlots(store)
    if (present === undefined) throw new CoffreError('NOT_INITIALISED')
    if (others.length > 0 && request.kind === 'rotate-root') {
      throw new CoffreError('INVALID_REQUEST', { facts: { at: 'kind', expected: 'one seal: rekey first' } })
    }
    const seal = checkNewSeal(request, present.provider)
    const nonce = Buffer.from(randomBytes(NONCE_BYTES)).toString('hex')
    const ceremony = new Ceremony({
      kind: request.kind,
      nonce,
      starter: caller.principal,
      present,
      seal,
      clock,
      expiresAt: addMilliseconds(clock(), CEREMONY_MS),
    })
    await this.#record(caller, 'ceremony.begin', ceremony)
    this.#open = ceremony
    if (ceremony.needsSecret) return { ...ceremony.view(), nonce }
    try {
      return { ...(await this.#authorised(caller, ceremony)), nonce }
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  async #show(caller: Caller): Promise<CeremonyView> {
    await authorize(this.#parts.trail, caller, 'operator.change')
    this.forgetExpired()
    return this.#open?.view() ?? NONE
  }

  async #give(caller: Caller, secret: CeremonySecret): Promise<CeremonyView> {
    const ceremony = this.#required(secret.nonce)
    return this.#guarded(caller, 'ceremony.authorize', async () => {
      if (ceremony.phase === 'verify') return this.#verify(caller, ceremony, secret.share)
      if (ceremony.phase !== 'authorize') throw notReady(ceremony)
      const provider = await this.#presentProvider(ceremony, secret, ceremony.old)
      if (provider === undefined) return ceremony.view()
      ceremony.provider = provider
      try {
        return await this.#authorised(caller, ceremony)
      } catch (error) {
        // It can be given again when the trouble is over.
        ceremony.old.wipe()
        throw error
      }
    })
  }

  /** The provider that opens the present slot, once enough was given. Throws what a wrong secret throws. */
  async #presentProvider(
    ceremony: Ceremony,
    given: Given,
    collection: Ceremony['old'],
  ): Promise<SealProvider | undefined> {
    const { present, presentSet: set } = ceremony
    if (set === undefined) return this.#passphraseProvider(ceremony, given)
    if (given.share === undefined) throw expected('share')
    if (!collection.add(parseShare(given.share), set)) return undefined
    const provider = sameShamirSeal(slotParameters('shamir', present.wrapped), collection.shares)
    await this.#requireOpens(ceremony, provider)
    return provider
  }

  async #passphraseProvider(ceremony: Ceremony, { passphrase }: Given): Promise<SealProvider> {
    if (passphrase === undefined) throw expected('passphrase')
    const provider = this.#parts.findSealProvider(ceremony.present.provider, { passphrase })
    await this.#requireOpens(ceremony, provider)
    return provider
  }

  async #requireOpens({ present }: Ceremony, provider: SealProvider): Promise<void> {
    if (await this.#parts.vault().isOpenedBy(provider, present.wrapped)) return
    throw new CoffreError('STORE_DAMAGED', { facts: { table: 'seal_slot' } })
  }

  async #authorised(caller: Caller, ceremony: Ceremony): Promise<CeremonyView> {
    await this.#record(caller, 'ceremony.authorize', ceremony)
    if (ceremony.seal?.provider === 'shamir') {
      ceremony.phase = 'collect'
      this.#extend(ceremony)
      return ceremony.view()
    }
    await (ceremony.kind === 'rekey' ? this.#rekey(caller, ceremony) : this.#rotate(caller, ceremony))
    return this.#done(ceremony)
  }

  /** Only the starter sees new shares: whoever gives the last old share may be anybody. */
  async #collect(caller: Caller, nonce: string): Promise<NewShares> {
    await authorize(this.#parts.trail, caller, 'operator.change')
    const ceremony = this.#required(nonce)
    if (!ceremony.isStartedBy(caller.principal)) throw new CoffreError('FORBIDDEN')
    if (ceremony.seal?.provider !== 'shamir' || ceremony.phase === 'authorize') throw notReady(ceremony)
    const made: Share[] = []
    const provider = shamirSeal({
      quorum: ceremony.seal,
      keep: (shares) => {
        made.push(...shares)
      },
    })
    const wrapped = await this.#parts.vault().sealUnder(provider)
    ceremony.new.wipe()
    ceremony.fresh = { wrapped, set: parseShareSet(slotParameters('shamir', wrapped)) }
    ceremony.phase = 'verify'
    this.#extend(ceremony)
    const shares = made.map(formatShare)
    for (const share of made) share.value.wipe()
    await this.#record(caller, 'ceremony.collect', ceremony)
    return { ...ceremony.view(), shares }
  }

  /** The new slot is stored once people have shown that they hold what opens it. */
  async #verify(caller: Caller, ceremony: Ceremony, text: Secret | undefined): Promise<CeremonyView> {
    const { fresh } = ceremony
    if (fresh === undefined || text === undefined) throw expected('share')
    if (!ceremony.new.add(parseShare(text), fresh.set)) return ceremony.view()
    const provider = shamirSeal({ given: ceremony.new.shares })
    try {
      if (!(await this.#parts.vault().isOpenedBy(provider, fresh.wrapped))) {
        throw new CoffreError('CONFLICT', { facts: { part: 'root' } })
      }
      await this.#changes.replaceSeal(caller, ceremony, { provider: 'shamir', wrapped: fresh.wrapped })
      return this.#done(ceremony)
    } finally {
      ceremony.new.wipe()
    }
  }

  async #rekey(caller: Caller, ceremony: Ceremony): Promise<void> {
    const provider = this.#changes.newProvider(ceremony)
    const wrapped = await this.#parts.vault().sealUnder(provider)
    await this.#changes.replaceSeal(caller, ceremony, { provider: provider.name, wrapped })
  }

  async #rotate(caller: Caller, ceremony: Ceremony): Promise<void> {
    const { findSealProvider, vault, whenRotated } = this.#parts
    const provider = ceremony.provider ?? findSealProvider(ceremony.present.provider)
    await this.#changes.storeNextRoot(caller, ceremony, await vault().prepareNext(provider))
    await whenRotated()
  }

  async #cancel(caller: Caller, nonce: string | undefined): Promise<CeremonyView> {
    await authorize(this.#parts.trail, caller, 'operator.change')
    this.forgetExpired()
    const ceremony = this.#open
    if (ceremony === undefined) throw new CoffreError('CEREMONY_NOT_FOUND')
    const isOwn = ceremony.isStartedBy(caller.principal) && (nonce ?? ceremony.nonce) === ceremony.nonce
    // Where an operator may do everything without a secret, another operator may stop it.
    if (!isOwn && ceremony.needsSecret) throw new CoffreError('FORBIDDEN')
    await this.#record(caller, 'ceremony.cancel', ceremony)
    this.abandon()
    return NONE
  }

  async #takeOver(caller: Caller, given: Given): Promise<CeremonyView> {
    this.forgetExpired()
    const ceremony = this.#open
    if (ceremony === undefined) throw new CoffreError('CEREMONY_NOT_FOUND')
    if (!ceremony.needsSecret) throw expected('cancel')
    return this.#guarded(caller, 'ceremony.take-over', async () => {
      const provider = await this.#presentProvider(ceremony, given, ceremony.takeOver)
      if (provider === undefined) return ceremony.view()
      await this.#record(caller, 'ceremony.take-over', ceremony)
      this.abandon()
      return NONE
    })
  }

  #done(ceremony: Ceremony): CeremonyView {
    const view: CeremonyView = { phase: 'done', kind: ceremony.kind }
    this.abandon()
    return view
  }

  #required(nonce: string): Ceremony {
    this.forgetExpired()
    const ceremony = this.#open
    if (ceremony === undefined || ceremony.nonce !== nonce) throw new CoffreError('CEREMONY_NOT_FOUND')
    return ceremony
  }

  /** Each phase has its own ten minutes; what a phase waits for does not prolong it. */
  #extend(ceremony: Ceremony): void {
    ceremony.expiresAt = addMilliseconds(this.#parts.clock(), CEREMONY_MS)
  }

  async #record(caller: Caller, action: AuditAction, { kind, seal, starter }: Ceremony): Promise<void> {
    const { principal, requestId } = caller
    const detail = {
      kind,
      startedBy: describePrincipal(starter),
      ...(seal === undefined ? {} : { seal: seal.provider }),
    }
    await this.#parts.store.transaction((tx) =>
      this.#parts.trail.append(tx, [{ action, principal, requestId, outcome: 'ok', detail }]),
    )
  }

  /** Attempts are bounded as those to unseal are, and what is refused leaves a record. */
  async #guarded<Result>(caller: Caller, action: AuditAction, work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#parts.gate.run(caller.address, work)
    } catch (error) {
      if (error instanceof CoffreError && error.code !== 'STORE_UNAVAILABLE') {
        const { principal, requestId } = caller
        await this.#parts.trail.commit({ action, principal, requestId, outcome: 'refused', code: error.code })
      }
      throw error
    }
  }
}

function factsOf({ kind, starter }: Ceremony): Readonly<Record<string, string>> {
  return { kind, startedBy: describePrincipal(starter) }
}

function notReady(ceremony: Ceremony): CoffreError {
  return new CoffreError('CEREMONY_NOT_FOUND', { facts: { phase: ceremony.phase } })
}

function expected(what: string): CoffreError {
  return new CoffreError('INVALID_REQUEST', { facts: { at: 'secret', expected: what } })
}
