import type { KeyMaterial } from '../../crypto/key-material.ts'
import { randomUuid } from '../../crypto/random.ts'
import type { Clock } from '../../model/clock.ts'
import type { Operator, StatusView, UnsealOptions } from '../../model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import type { Wrapped } from '../../model/wrapped.ts'
import type { SealProvider } from '../../seal/seal-provider.ts'
import { UnsealedVault } from '../../seal/vault.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import type { FernetRing } from '../../crypto/fernet-ring.ts'
import { authorize } from '../access/authorize.ts'
import { TokenService } from '../access/token-service.ts'
import type { AuditReader, AuditTrail, Checkpoints } from '../audit-trail.ts'
import { UnsealGate } from '../attempt/unseal-gate.ts'
import { BackupCounts } from '../backup/backup-counts.ts'
import type { BackupSchedules } from '../backup/schedule/backup-schedules.ts'
import type { Caller } from '../caller.ts'
import type { ChangeFeed } from '../change-feed.ts'
import type { DataService } from '../data/data-service.ts'
import type { StreamLimits, StreamService } from '../data/stream-service.ts'
import type { DiagnosisService } from '../diagnosis/diagnosis-service.ts'
import type { KeyTransfer } from '../keys/key-transfer.ts'
import type { KeyService } from '../keys/key-service.ts'
import { type IssuerDocuments, LoginService, NO_DOCUMENTS } from '../login/login-service.ts'
import type { ApiKeyService, ProviderProbe } from '../api-keys/api-key-service.ts'
import { requireKnownFernetKeys } from '../api-keys/fernet-checks.ts'
import { CallerCaches, type CallerCachesParts } from '../cache/caller-caches.ts'
import { SessionService } from '../sessions/session-service.ts'
import { UserService } from '../users/user-service.ts'
import { PolicyCache } from '../policy/policy-cache.ts'
import { PolicyService } from '../policy/policy-service.ts'
import { Ceremonies } from './ceremonies.ts'
import { openLogSigner } from './log-signer.ts'
import { StoreProbe } from './store-probe.ts'
import { assembleUnsealed, type Unsealed } from './unsealed.ts'
import { type FindSealProvider, Unsealing } from './unsealing.ts'

export interface CoreParts {
  readonly store: Store
  /** `sqlite`, for the status. */
  readonly storeName: string
  readonly trail: AuditTrail
  readonly audit: AuditReader
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly changes: ChangeFeed
  readonly version: string
  readonly findSealProvider: FindSealProvider
  /** Where another process seals and unseals for this one too. */
  readonly operatorElsewhere?: (caller: Caller) => Operator
  /** Absent: login roles hold the keys of their issuers themselves. */
  readonly documents?: IssuerDocuments
  /** Root keys that were rotated away stay reachable so long for other processes; 0 when absent. */
  readonly rootLingerMs?: number
  readonly streamLimits?: StreamLimits
  /** Of FERNET_SECRET_KEY; absent: keys of providers are kept in Coffre's own form. */
  readonly fernetRing?: FernetRing | undefined
  readonly providers?: ProviderProbe
  readonly cache?: Pick<CallerCachesParts, 'open' | 'isShared'>
}

const NO_CACHE: Pick<CallerCachesParts, 'open' | 'isShared'> = {
  open: () =>
    Promise.reject(new CoffreError('CACHE_UNAVAILABLE', { facts: { setting: 'COFFRE_CACHE_URL' } })),
  isShared: false,
}

const REFUSED_SECRETS: ReadonlySet<ErrorCode> = new Set([
  'PASSPHRASE_WRONG',
  'SHARE_INVALID',
  'SHARE_FOREIGN',
])

/** One Coffre over one store. Sealed, it has no key and no data service to call. */
export class Core {
  readonly #parts: CoreParts
  readonly tokens: TokenService
  readonly policies: PolicyService
  readonly logins: LoginService
  readonly users: UserService
  readonly sessions: SessionService
  readonly caches: CallerCaches
  readonly backupCounts = new BackupCounts()
  readonly audit: AuditReader
  readonly checkpoints: Checkpoints
  readonly trail: AuditTrail
  readonly store: Store
  readonly probe: StoreProbe
  readonly ceremonies: Ceremonies
  readonly #unsealing: Unsealing
  readonly #unsealGate: UnsealGate
  readonly #stops: (() => void)[] = []
  readonly #rootListeners: (() => void)[] = []
  #unsealed: Unsealed | undefined
  #backups: BackupSchedules | undefined
  #sealIsUnrecorded = false
  #legacyWrites = 0
  constructor(parts: CoreParts) {
    this.#parts = parts
    const { store, trail, clock, changes } = parts
    const cache = new PolicyCache(store)
    changes.subscribe(cache)
    this.tokens = new TokenService({ store, trail, clock, policies: cache, changes })
    this.policies = new PolicyService({ store, trail, clock, cache })
    this.#unsealGate = new UnsealGate(clock)
    this.sessions = new SessionService({ store, trail, clock, changes })
    this.users = new UserService({ store, trail, clock, tokens: this.tokens })
    this.caches = new CallerCaches({
      store,
      trail,
      clock,
      users: this.users,
      ...(parts.cache ?? NO_CACHE),
    })
    this.logins = new LoginService({
      store,
      trail,
      clock,
      tokens: this.tokens,
      users: this.users,
      documents: parts.documents ?? NO_DOCUMENTS,
    })
    this.audit = parts.audit
    this.checkpoints = parts.checkpoints
    this.trail = parts.trail
    this.store = parts.store
    this.probe = new StoreProbe(parts.store)
    this.#unsealing = new Unsealing(parts)
    this.ceremonies = new Ceremonies({
      ...parts,
      vault: () => this.#required().vault,
      gate: this.#unsealGate,
      whenRotated: async () => {
        await this.#required().roots.follow()
        this.sweepRoots()
      },
    })
  }

  get operatorElsewhere(): CoreParts['operatorElsewhere'] {
    return this.#parts.operatorElsewhere
  }

  /** Those that the configuration declares; absent where it declares none. */
  get backups(): BackupSchedules | undefined {
    return this.#backups
  }

  /** Closed with this Coffre. */
  useBackups(schedules: BackupSchedules): void {
    this.#backups = schedules
  }

  get isSealed(): boolean {
    return this.#unsealed === undefined
  }

  /** Throws SEALED. */
  get keys(): KeyService {
    return this.#required().keys
  }

  /** Throws SEALED. */
  get data(): DataService {
    return this.#required().data
  }

  /** Throws SEALED. */
  get diagnosis(): DiagnosisService {
    return this.#required().diagnosis
  }

  /** Throws SEALED. */
  get transfer(): KeyTransfer {
    return this.#required().transfer
  }

  /** Throws SEALED. */
  get apiKeys(): ApiKeyService {
    return this.#required().apiKeys
  }

  /** Values that were written in the form of a source, because FERNET_SECRET_KEY asks for it. */
  get legacyWrites(): number {
    return this.#legacyWrites
  }

  /** Throws CONFIG_REFUSED when FERNET_SECRET_KEY is not the one under which something is stored. */
  requireKnownFernetKeys(): Promise<void> {
    return requireKnownFernetKeys(this.store, this.#parts.fernetRing)
  }

  /** Throws SEALED. */
  get streams(): StreamService {
    return this.#required().streams
  }

  async isInitialised(): Promise<boolean> {
    return (await this.#parts.store.listSealSlots()).length > 0
  }

  async status(): Promise<StatusView> {
    const { store, version, storeName } = this.#parts
    const slots = await store.listSealSlots()
    const { size } = await store.readAuditHead()
    const [slot] = slots
    const shares = this.isSealed ? await this.#unsealing.progress(slots) : undefined
    return {
      version,
      initialised: slots.length > 0,
      sealed: this.isSealed,
      ...(slot === undefined ? {} : { sealProvider: slot.provider }),
      store: storeName,
      auditSize: size,
      ...(slot === undefined ? {} : { rootGeneration: slot.root }),
      ...(await this.#remainingUnderOldRoot()),
      ...shares,
    }
  }

  /** Makes the root key and stores it sealed; this Coffre is then unsealed. Throws ALREADY_INITIALISED. */
  async initialise(caller: Caller, provider: SealProvider): Promise<void> {
    if (await this.isInitialised()) throw new CoffreError('ALREADY_INITIALISED')
    const { vault, slot } = await UnsealedVault.create(provider)
    const first = { id: randomUuid(), provider: provider.name, wrapped: slot, root: vault.generation }
    await this.#adopt(vault, async (tx) => {
      if ((await tx.listSealSlots()).length > 0) throw new CoffreError('ALREADY_INITIALISED')
      // The first slot and the first record came together: a store with records has lost its slot, and under a
      // new root key nothing in it would open.
      if ((await tx.readAuditHead()).size > 0) {
        throw new CoffreError('STORE_DAMAGED', { facts: { table: 'seal_slot' } })
      }
      await tx.insertSealSlot({ ...first, createdAt: this.#parts.clock() })
      await this.#append(tx, caller, 'coffre.init')
    })
  }

  /**
   * A passphrase is the credential and needs no role, and so is a share, of which several are collected. Without
   * either the seal key that this process can reach is used, which only an administrator may ask for.
   */
  async unseal(caller: Caller, given: UnsealOptions = {}): Promise<void> {
    const isCredential = given.passphrase !== undefined || given.share !== undefined
    if (!isCredential) await authorize(this.#parts.trail, caller, 'operator.change')
    if (given.reset === true) this.#unsealing.reset()
    if (this.#unsealed !== undefined || (given.reset === true && !isCredential)) return
    try {
      const vault = await this.#unsealGate.run(caller.address, () => this.#unsealing.open(given))
      if (vault === undefined) return
      await this.#adopt(vault, (tx) => this.#append(tx, caller, 'coffre.unseal'))
      this.sweepRoots()
    } catch (error) {
      if (error instanceof CoffreError && REFUSED_SECRETS.has(error.code)) {
        await this.#recordRefusal(caller, error)
      }
      throw error
    }
  }

  /** Brings everything to the newest root key, in the background. It goes on where another process stopped. */
  sweepRoots(): void {
    // What does not open stays where it is, and the status tells how much; the next run tries again.
    this.#unsealed?.roots.sweep().catch(() => undefined)
  }

  /** Waits for the sweep; for whoever closes this Coffre after a rotation. */
  async finishSweep(): Promise<void> {
    await this.#unsealed?.roots.sweep()
  }

  /** Another process may have changed the root key or its seal. */
  async followRoots(): Promise<void> {
    await this.#unsealed?.roots.follow()
  }

  /** Secrets of people that nobody came to use. */
  forgetExpired(): void {
    this.#unsealing.forgetExpired()
    this.ceremonies.forgetExpired()
  }

  /** Forgets the root key and everything that it unwrapped. */
  async seal(caller: Caller): Promise<void> {
    await authorize(this.#parts.trail, caller, 'operator.change')
    if (this.#unsealed === undefined && !this.#sealIsUnrecorded) return
    const forgotten = this.#forget()
    // Sealing does not wait for the log; a seal that could not be recorded is recorded when it is asked for again.
    this.#sealIsUnrecorded = true
    try {
      await forgotten
      await this.#parts.store.transaction((tx) => this.#append(tx, caller, 'coffre.seal'))
      this.#sealIsUnrecorded = false
    } finally {
      await this.checkpoints.end()
    }
  }

  /** `stop` is called once, when this Coffre closes. */
  whenClosed(stop: () => void): void {
    this.#stops.push(stop)
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    await this.#backups?.runner.close()
    await this.#unsealed?.roots.stop()
    await this.#forget()
    await this.checkpoints.end()
    this.#unsealing.reset()
    await this.tokens.close()
    await this.caches.close()
    await this.#parts.store.close()
  }

  /** `listener` is called whenever this Coffre was unsealed or sealed, by whomever. */
  whenRootChanges(listener: () => void): void {
    this.#rootListeners.push(listener)
  }

  /** The root key for a process of the same Coffre; `undefined` while sealed. */
  wrapRootFor(transport: KeyMaterial): Wrapped | undefined {
    return this.#unsealed?.vault.wrapRootFor(transport)
  }

  /**
   * Takes over the root key that `wrapRootFor` of another process gave, or its being sealed. It leaves no record:
   * the process that decided has left one.
   */
  takeRoot(transport: KeyMaterial, wrapped: Wrapped | undefined): void {
    // What streams cannot record any more shows in the log as begun and not ended.
    if (wrapped === undefined) {
      this.#forget().catch(() => undefined)
      void this.checkpoints.end()
    } else if (this.#unsealed === undefined) void this.#unseal(UnsealedVault.fromSibling(transport, wrapped))
  }

  async #unseal(vault: UnsealedVault): Promise<void> {
    const unsealed = assembleUnsealed(vault, {
      ...this.#parts,
      users: this.users,
      tokens: this.tokens,
      whenRootIsLost: () => void this.#forget(),
      countLegacyWrites: (count) => {
        this.#legacyWrites += count
      },
    })
    this.#unsealed = unsealed
    for (const listener of this.#rootListeners) listener()
    await this.checkpoints.begin(() => openLogSigner(unsealed))
  }

  /** The keys are gone when this returns; the streams have left their last records when it resolves. */
  async #forget(): Promise<void> {
    const unsealed = this.#unsealed
    this.#unsealed = undefined
    unsealed?.unsubscribe()
    unsealed?.cache.clear()
    unsealed?.vault.seal()
    this.caches.forgetKeys()
    this.ceremonies.abandon()
    if (unsealed !== undefined) for (const listener of this.#rootListeners) listener()
    await unsealed?.streams.stop()
  }

  async #remainingUnderOldRoot(): Promise<{ readonly rootRemaining?: number }> {
    const { store } = this.#parts
    const backward = (await store.listRootLinks()).find(({ from, to }) => to < from)
    return backward === undefined ? {} : { rootRemaining: await store.countWrapped(backward.to) }
  }

  /** Unsealed once `record` is stored; a root key that came to nothing, or came second, is forgotten. */
  async #adopt(vault: UnsealedVault, record: (tx: StoreTransaction) => Promise<void>): Promise<void> {
    try {
      await this.#parts.store.transaction(record)
    } catch (error) {
      vault.seal()
      throw error
    }
    this.#sealIsUnrecorded = false
    if (this.#unsealed === undefined) await this.#unseal(vault)
    else vault.seal()
  }

  #required(): Unsealed {
    if (this.#unsealed === undefined) throw new CoffreError('SEALED')
    return this.#unsealed
  }

  async #append(tx: StoreTransaction, caller: Caller, action: AuditAction): Promise<void> {
    const { principal, requestId } = caller
    await this.#parts.trail.append(tx, [{ action, principal, requestId, outcome: 'ok' }])
  }

  async #recordRefusal(caller: Caller, error: CoffreError): Promise<void> {
    const { principal, requestId } = caller
    await this.#parts.trail.commit({
      action: 'coffre.unseal',
      principal,
      requestId,
      outcome: 'refused',
      code: error.code,
    })
  }
}
