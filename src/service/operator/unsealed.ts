import type { FernetRing } from '../../crypto/fernet-ring.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Key } from '../../model/key.ts'
import type { UnsealedVault } from '../../seal/vault.ts'
import type { Store } from '../../store/store.ts'
import type { TokenService } from '../access/token-service.ts'
import { ApiKeyService, type ProviderProbe } from '../api-keys/api-key-service.ts'
import { OwnKey } from '../api-keys/own-key.ts'
import type { AuditTrail } from '../audit-trail.ts'
import { systemCaller } from '../caller.ts'
import type { ChangeFeed } from '../change-feed.ts'
import { DataKeys } from '../data/data-keys.ts'
import { DataService } from '../data/data-service.ts'
import { type StreamLimits, StreamService } from '../data/stream-service.ts'
import { DiagnosisService } from '../diagnosis/diagnosis-service.ts'
import { KeyService } from '../keys/key-service.ts'
import { KeyTransfer } from '../keys/key-transfer.ts'
import { KeyringCache } from '../keys/keyring-cache.ts'
import { UseReserve } from '../keys/use-reserve.ts'
import type { UserService } from '../users/user-service.ts'
import { Roots } from './roots.ts'

/** What exists only while the root key is in memory. */
export interface Unsealed {
  readonly vault: UnsealedVault
  readonly cache: KeyringCache
  readonly keys: KeyService
  readonly data: DataService
  readonly diagnosis: DiagnosisService
  readonly roots: Roots
  readonly unsubscribe: () => void
  readonly streams: StreamService
  readonly transfer: KeyTransfer
  readonly apiKeys: ApiKeyService
}

/** What it is made of besides the root key; all of it exists while sealed too. */
export interface UnsealedParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly changes: ChangeFeed
  readonly users: UserService
  readonly tokens: TokenService
  readonly rootLingerMs?: number
  readonly streamLimits?: StreamLimits
  readonly fernetRing?: FernetRing | undefined
  readonly providers?: ProviderProbe
  readonly whenRootIsLost: () => void
  readonly countLegacyWrites: (count: number) => void
}

const NO_PROVIDERS: ProviderProbe = {
  test: () =>
    Promise.reject(new CoffreError('CONFIG_REFUSED', { facts: { COFFRE_PROVIDER_URLS: 'an address' } })),
}

export function assembleUnsealed(vault: UnsealedVault, parts: UnsealedParts): Unsealed {
  const { store, trail, clock, changes, tokens, users } = parts
  const { rootLingerMs: lingerMs = 0, whenRootIsLost: whenLost } = parts
  const roots = new Roots({ store, trail, clock, vault, lingerMs, whenLost })
  const cache = new KeyringCache(store, vault, roots.follow)
  const keys = new KeyService({ store, trail, clock, vault, cache, roots })
  const dataKeys = new DataKeys({ cache, reserve: new UseReserve(store), rotateSoon: rotateSoon(keys) })
  const transfer = new KeyTransfer({ store, trail, clock, vault, cache, roots, dataKeys })
  const recheckCaller = tokens.recheck.bind(tokens)
  const data = new DataService({ trail, keys: dataKeys, changes, recheckCaller })
  const streams = new StreamService({ trail, data, limits: parts.streamLimits ?? {} })
  const diagnosis = new DiagnosisService({ store, trail, clock, cache })
  const apiKeys = new ApiKeyService({
    store,
    trail,
    clock,
    users,
    own: new OwnKey({ store, keys, dataKeys }),
    ring: parts.fernetRing,
    probe: parts.providers ?? NO_PROVIDERS,
    countLegacyWrites: parts.countLegacyWrites,
  })
  const unsubscribe = subscribe(changes, { roots, cache })
  return { vault, cache, keys, data, diagnosis, streams, transfer, apiKeys, roots, unsubscribe }
}

function subscribe(changes: ChangeFeed, { roots, cache }: Pick<Unsealed, 'roots' | 'cache'>): () => void {
  const follow = () => void roots.follow().catch(() => undefined)
  const unfollow = changes.subscribe({
    forget: ({ kind }) => (kind === 'root' ? follow() : undefined),
    forgetAll: follow,
  })
  const unwatch = changes.subscribe(cache)
  return () => {
    unfollow()
    unwatch()
  }
}

/** Of a key that nears the limit of its uses. */
function rotateSoon(keys: KeyService) {
  return async (key: Key): Promise<void> => {
    try {
      await keys.rotate(systemCaller('limits', key.tenant), key.name)
    } catch (error) {
      // The attempt is recorded; until the limit itself the version still protects.
      if (!(error instanceof CoffreError)) throw error
    }
  }
}
