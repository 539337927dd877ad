import { unwrapWithSecret, wrapUnderSecret } from '../../crypto/cache-key.ts'
import { hasCode } from '../../model/errors.ts'
import type { User } from '../../model/user.ts'

/**
 * The data key of the user's cache under the new secret; `undefined` without the old one, or where it is under another.
 * What is under a secret that ended must not stay: that secret may be known to others.
 */
export async function rewrapCacheKey(
  { id, cacheKeySecret }: User,
  secrets: { readonly before: string | undefined; readonly after: string },
): Promise<string | undefined> {
  if (cacheKeySecret === undefined || secrets.before === undefined) return undefined
  try {
    const key = await unwrapWithSecret(cacheKeySecret, id, secrets.before)
    const wrapped = await wrapUnderSecret(key, id, secrets.after)
    key.material.wipe()
    return wrapped
  } catch (error) {
    if (hasCode(error, 'DECRYPTION_FAILED')) return undefined
    throw error
  }
}
