import type { FernetRing } from '../../crypto/fernet-ring.ts'
import { randomBytes } from '../../crypto/random.ts'
import type { Instant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ReadStore, StoreTransaction } from '../../store/store.ts'

/**
 * Check values of keys under which something is stored, each with a mark of the last time that something was, and of
 * keys that were revoked; with commas between.
 */
const IN_USE = 'fernet'
const REVOKED = 'fernet-revoked'
const MARK_BYTES = 6

/** Marks by check value. Two looks that differ for a key mean that something was stored under it in between. */
export type KeysInUse = ReadonlyMap<string, string>

type Checks = Pick<ReadStore, 'findWrappingCheck'>

/**
 * Throws CONFIG_REFUSED when something is stored under a key that is not in the ring: FERNET_SECRET_KEY was changed or
 * lost by accident, and every key of a provider would look unreadable. And for a ring that begins with a revoked key.
 */
export async function requireKnownFernetKeys(store: Checks, ring: FernetRing | undefined): Promise<void> {
  const missing = [...(await readInUse(store)).keys()].filter(
    (check) => ring?.checks.includes(check) !== true,
  )
  if (missing.length > 0) {
    throw refuse(
      'the key that was here before: put it back, or behind the new one with a comma between, or give everything up with `coffre apikey revoke-all`',
    )
  }
  if (ring !== undefined && (await isRevoked(store, ring))) {
    throw refuse(
      'a key that was not revoked; make one with `coffre fernet keygen`, or let `coffre apikey revoke-all --resume` write one',
    )
  }
}

export function isRevoked(store: Checks, ring: FernetRing): Promise<boolean> {
  return isRevokedCheck(store, ring.checks[0])
}

export async function isRevokedCheck(store: Checks, check: string): Promise<boolean> {
  return (await read(store, REVOKED)).includes(check)
}

export async function readInUse(store: Checks): Promise<KeysInUse> {
  const entries = (await read(store, IN_USE)).map((entry) => entry.split('.'))
  return new Map(entries.map(([check = '', mark = '']) => [check, mark]))
}

/** Whenever a token is stored, in the same transaction. */
export async function noteInUse(tx: StoreTransaction, ring: FernetRing, at: Instant): Promise<void> {
  const mark = Buffer.from(randomBytes(MARK_BYTES)).toString('hex')
  await storeInUse(tx, new Map([...(await readInUse(tx)), [ring.checks[0], mark]]), at)
}

/** After a look at every row that began with `before`: in use are the first key of the ring, and what was stored since. */
export async function noteOnlyInUse(
  tx: StoreTransaction,
  { before, ring }: { readonly before: KeysInUse; readonly ring: FernetRing | undefined },
  at: Instant,
): Promise<void> {
  const left = [...(await readInUse(tx))].filter(
    ([check, mark]) => check === ring?.checks[0] || before.get(check) !== mark,
  )
  await storeInUse(tx, new Map(left), at)
}

function storeInUse(tx: StoreTransaction, inUse: KeysInUse, at: Instant): Promise<void> {
  const value = [...inUse].map(([check, mark]) => `${check}.${mark}`).join(',')
  return tx.storeWrappingCheck({ name: IN_USE, value, at })
}

/** Nothing is under a Fernet key any more, and those that were in use or in the ring never come back. */
export async function noteRevoked(
  tx: StoreTransaction,
  ring: FernetRing | undefined,
  at: Instant,
): Promise<void> {
  const revoked = new Set([
    ...(await read(tx, REVOKED)),
    ...(await readInUse(tx)).keys(),
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
