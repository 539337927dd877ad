import { type Checkpoint, checkpointSigner } from '../../crypto/transparency/checkpoint.ts'
import { Refusal } from '../../keyring/refusal.ts'
import type { KeyView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { AUDIT_KEY_NAME, SYSTEM_TENANT } from '../../model/ids.ts'
import type { LogSigner } from '../audit-trail.ts'
import { type Caller, systemCaller } from '../caller.ts'
import type { KeyService } from '../keys/key-service.ts'
import type { KeyringCache } from '../keys/keyring-cache.ts'
import { UNCONFINED } from '../policy/access.ts'
import { Reach } from '../policy/reach.ts'

const REACH = Reach.whole(SYSTEM_TENANT, 'data.sign')

export interface LogSignerParts {
  readonly keys: KeyService
  readonly cache: KeyringCache
}

/**
 * The signer of the audit log. Its key is made when there is none: in a new Coffre, or after an upgrade. It outlives the
 * keyrings until it is let go, so that the last checkpoint covers the record of the seal itself.
 */
export async function openLogSigner({ keys, cache }: LogSignerParts): Promise<LogSigner> {
  const { id } = (await findKey(cache)) ?? (await makeKey(keys, cache))
  let sign = await currentSigner(cache)
  return {
    origin: `coffre/${id}`,
    sign: async (checkpoint) => {
      try {
        // Another node may have rotated it since.
        sign = await currentSigner(cache)
      } catch (error) {
        if (!hasCode(error, 'SEALED')) throw error
      }
      return sign(checkpoint)
    },
  }
}

async function currentSigner(cache: KeyringCache): Promise<(checkpoint: Checkpoint) => string> {
  const version = (await cache.findByName(REACH, AUDIT_KEY_NAME)).forProtecting()
  if (version instanceof Refusal) throw new CoffreError(version.code, { facts: version.facts })
  return checkpointSigner(version.material)
}

/** For a caller who may change the installation; it is recorded as theirs. */
export function rotateLogKey(keys: KeyService, caller: Caller): Promise<KeyView> {
  const { requestId, principal } = caller
  const owner = { ...principal, tenant: SYSTEM_TENANT }
  return keys.rotate({ role: 'admin', access: UNCONFINED, requestId, principal: owner }, AUDIT_KEY_NAME)
}

/** Throws STORE_DAMAGED where a public key in the store is not that of its private half. */
export async function requireOwnPublicKeys(keys: KeyService): Promise<void> {
  await keys.get(systemCaller('audit', SYSTEM_TENANT), AUDIT_KEY_NAME)
}

async function findKey(cache: KeyringCache): Promise<{ readonly id: string } | undefined> {
  try {
    const { key } = await cache.findByName(REACH, AUDIT_KEY_NAME)
    return key
  } catch (error) {
    if (hasCode(error, 'KEY_NOT_FOUND')) return undefined
    throw error
  }
}

async function makeKey(keys: KeyService, cache: KeyringCache): Promise<{ readonly id: string }> {
  const caller = systemCaller('audit', SYSTEM_TENANT)
  try {
    return await keys.create(caller, { name: AUDIT_KEY_NAME, algorithm: 'ed25519' })
  } catch (error) {
    // Another node was quicker.
    if (!hasCode(error, 'KEY_EXISTS')) throw error
    return (await cache.findByName(REACH, AUDIT_KEY_NAME)).key
  }
}
