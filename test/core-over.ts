import type { CheckpointCopy } from '../src/audit/checkpoint/checkpoint-copy.ts'
import { AuditParts } from '../src/audit/open-audit.ts'
import { KeyMaterial } from '../src/crypto/key-material.ts'
import { randomBytes } from '../src/crypto/random.ts'
import { type Clock, toInstant } from '../src/model/clock.ts'
import type { Coffre } from '../src/model/coffre.ts'
import { SEAL_KEY_BYTES, type SealProvider } from '../src/seal/seal-provider.ts'
import { CallerCoffre, withOwnRequests } from '../src/service/caller-coffre.ts'
import { localCaller } from '../src/service/caller.ts'
import { ChangeFeed } from '../src/service/change-feed.ts'
import { Core } from '../src/service/operator/core.ts'
import type { Store } from '../src/store/store.ts'

/** A seal key in memory that every Coffre over one store shares; in another process, the same bytes. */
export function memorySeal(bytes: Uint8Array = randomBytes(SEAL_KEY_BYTES)): SealProvider {
  return {
    name: 'file',
    create: async () => ({ sealKey: new KeyMaterial(bytes), parameters: new Uint8Array(0) }),
    // Whoever unseals wipes it, so each time there is another copy.
    recover: async () => new KeyMaterial(bytes),
  }
}

/** A copy of the checkpoints that lives as long as the test. */
function memoryCopy(): CheckpointCopy {
  let kept: string | undefined
  return {
    place: 'memory',
    read: async () => kept,
    write: async (text) => {
      kept = text
    },
  }
}

export interface CoreChoice {
  readonly seal: SealProvider
  readonly clock?: Clock
  /** How long the audit log lets an answer wait; as in the product when absent. */
  readonly maxAuditWaitMs?: number
  readonly rootLingerMs?: number
}

/** The real services over a store that a test brings, which may fail on demand. */
export function coreOver(store: Store, choice: CoreChoice): { readonly core: Core; readonly coffre: Coffre } {
  const { seal, clock = () => toInstant(Date.now()), maxAuditWaitMs: maxWaitMs } = choice
  const wait = maxWaitMs === undefined ? {} : { maxWaitMs }
  const audit = new AuditParts({ store, clock, copy: memoryCopy(), onAlert: () => undefined, ...wait })
  const core = new Core({
    store,
    storeName: 'sqlite',
    trail: audit.trail,
    audit: audit.reader,
    checkpoints: audit.checkpoints,
    clock,
    changes: new ChangeFeed(store),
    version: '0',
    findSealProvider: () => seal,
    rootLingerMs: choice.rootLingerMs ?? 0,
  })
  return { core, coffre: new CallerCoffre(core, withOwnRequests(localCaller())) }
}
