import type { FernetRing } from '../../crypto/fernet-ring.ts'
import type { Instant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ReadStore, StoreTransaction } from '../../store/store.ts'

/** Check values of keys under which something is stored, and of keys that were revoked; with commas between. */
const IN_USE = 'fernet'
const REVOKED = 'fernet-revoked'

type Checks = Pick<ReadStore, 'findWrappingCheck'>

/**
 * Throws CONFIG_REFUSED when something is stored under a key that is not in the ring: FERNET_SECRET_KEY was changed or
 * lost by accident, and every key of a provider would look unreadable. And for a ring that begins with a revoked key.
 */
export async function requireKnownFernetKeys(store: Checks, ring: FernetRing | undefined): Promise<void> {
  const missing = (await read(store, IN_USE)).filter((check) => ring?.checks.includes(check) !== true)
  if (missing.length > 0) {
    throw refuse(
      'the key that was here before: put it back, or behind the new one with a comma between, or give everything up with `coffre apikey revoke-all`',
    )
  }
  if (ring !== undefined && (await isRevoked(store, ring))) {
    throw refuse('a key that was not revoked; make one with `coffre fernet keygen`')
  }
}

export async function isRevoked(store: Checks, ring: FernetRing): Promise<boolean> {
  return (await read(store, REVOKED)).includes(ring.checks[0])
}

/** Before the first token under it is stored, in the same transaction. */
export async function noteInUse(tx: StoreTransaction, ring: FernetRing, at: Instant): Promise<void> {
  const checks = await read(tx, IN_USE)
  const [first] = ring.checks
  if (checks.includes(first)) return
  await tx.storeWrappingCheck({ name: IN_USE, value: [...checks, first].join(','), at })
}

/** When nothing else is in use any more: the first key of the ring alone, or none. */
export async function noteOnlyInUse(
  tx: StoreTransaction,
  ring: FernetRing | undefined,
  at: Instant,
): Promise<void> {
  await tx.storeWrappingCheck({ name: IN_USE, value: ring?.checks[0] ?? '', at })
}

/** Nothing is under a Fernet key any more, and those that were in use or in the ring never come back. */
export async function noteRevoked(
  tx: StoreTransaction,
  ring: FernetRing | undefined,
  at: Instant,
): Promise<void> {
  const revoked = new Set([
    ...(await read(tx, REVOKED)),
    ...(await read(tx, IN_USE)),
    ...(ring?.checks ?? []),
  ])
  await tx.storeWrappingCheck({ name: REVOKED, value: [...revoked].join(','), at })
  await tx.storeWrappingCheck({ name: IN_USE, value: '', at })
}

async function read(store: Checks, name: string): Promise<readonly string[]> {
  return ((await store.findWrappingCheck(name)) ?? '').split(',').filter((each) => each !== '')
}

function refuse(expected: string): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { FERNET_SECRET_KEY: expected } })
}
