import type { CacheSpace, ClientSecret } from '../../model/cache.ts'
import { CoffreError } from '../../model/errors.ts'
import type { CacheService } from './cache-service.ts'
import type { UserCache } from './user-cache.ts'

export type SingleEntries = Pick<CacheSpace, 'set' | 'lookup' | 'getRange' | 'delete'>

/** A user's entries in the source's form, under the secret that proved to be the user's. Throws INVALID_REQUEST without it. */
export function sourceSpace(
  service: CacheService,
  user: Pick<UserCache, 'noteSource'>,
  secret: ClientSecret | undefined,
): SingleEntries {
  if (secret === undefined) {
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'format', expected: '1 only together with the client secret, in HTTP Basic' },
    })
  }
  return {
    set: async (key, value, ttl) => {
      // Before the entry, so that erasing without the secret finds whatever was written.
      if (ttl !== 0) await user.noteSource()
      return service.set(key, value, secret, ttl)
    },
    lookup: (key) => service.lookup(key, secret),
    getRange: (range) => service.getRange(range, secret),
    delete: (key) => service.deleteOwn(key, secret),
  }
}
