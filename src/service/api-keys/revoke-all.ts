import type { FernetRing } from '../../crypto/fernet-ring.ts'
import type { RevokeAllOptions, RevokedApiKeys } from '../../model/api-key.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { VersionNumber } from '../../model/ids.ts'
import type { Store } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { describeEvent } from './describe-event.ts'
import { isRevokedCheck, noteRevoked } from './fernet-checks.ts'
import type { OwnKey } from './own-key.ts'
import { pages } from './pages.ts'

export interface RevokeParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly own: OwnKey
  readonly ring: FernetRing | undefined
}

/** The rows are cleared in one transaction; what they were under is erased after it. */
export async function revokeAll(parts: RevokeParts, caller: Caller): Promise<RevokedApiKeys> {
  const { store, trail, clock, ring, own } = parts
  // Before the rows are cleared: what a user stores from here on is under the new version, and stays.
  await own.rotate()
  const floor = await own.currentVersion()
  const revoked = await store.transaction(async (tx) => {
    const count = await tx.clearApiKeys(clock())
    await noteRevoked(tx, ring, clock())
    await trail.append(tx, [describeEvent(caller, 'api-key.revoke-all', { rows: count })])
    return count
  })
  await own.destroyVersionsBelow(floor)
  return { revoked }
}

/** After a run that ended between: the rows are gone, and what users stored since stays. */
export async function finishRevocation(
  parts: RevokeParts,
  caller: Caller,
  { key }: NonNullable<RevokeAllOptions['resume']>,
): Promise<RevokedApiKeys> {
  const { store, trail, own } = parts
  if (key !== undefined && !(await isRevokedCheck(store, key))) {
    const expected = 'a FERNET_SECRET_KEY that was revoked and not replaced; without it every key is erased'
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'resume', expected } })
  }
  await own.destroyVersionsBelow(await lowestInUse(parts))
  await trail.commit(describeEvent(caller, 'api-key.revoke-all', { rows: 0, because: 'resumed' }))
  return { revoked: 0 }
}

/** Of the versions of Coffre's own key; the current one where nothing is under an older. */
async function lowestInUse({ store, own }: RevokeParts): Promise<VersionNumber | undefined> {
  // Before the look: what is stored during it is under this version or a newer one.
  let lowest = await own.currentVersion()
  if (lowest === undefined) return undefined
  for await (const users of pages(store)) {
    for (const { apiKey } of users) {
      const version = apiKey === undefined ? undefined : own.versionOf(apiKey.encrypted)
      if (version !== undefined && version < lowest) lowest = version
    }
  }
  return lowest
}
