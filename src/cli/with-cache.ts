import type { CacheService } from '../app-cache.ts'
import type { CacheSpace, CacheSpaceOptions, CacheStep } from '../model/cache.ts'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import { MAX_TTL_SECONDS, readCacheVariables } from './input/cache-setting.ts'
import { readCacheUrl } from './input/secret-setting.ts'
import type { Invocation } from './invocation.ts'
import { choosePlace } from './place.ts'
import { withCoffre } from './with-coffre.ts'

/** Of a server: the user whose credential asks. */
const OWN_NAME = 'me'
const STARTED_AT = performance.now()
const TTL = { from: 0, to: MAX_TTL_SECONDS }
const AGE = { from: 1, to: 3_153_600_000 }

/** Opens the cache server of COFFRE_CACHE_URL, runs `work`, and closes again whatever happens. */
export async function withCache<Result>(
  invocation: Invocation,
  work: (cache: CacheService) => Promise<Result>,
): Promise<Result> {
  return withOpened(invocation, {}, work)
}

/** The entries of one user, and the user's id or name: of the server's cache, or of COFFRE_CACHE_URL with keys in the data folder. */
export function withUserSpace<Result>(
  invocation: Invocation,
  space: { readonly user: string } & CacheSpaceOptions,
  work: (space: CacheSpace, user: string) => Promise<Result>,
): Promise<Result> {
  const { user: name, ...options } = space
  const isRemote = choosePlace(invocation.options, invocation.terminal.environment).kind !== 'folder'
  return withCoffre(invocation, async (coffre) => {
    if (isRemote) return work(coffre.cache.for(name === OWN_NAME ? undefined : name, options), name)
    return withOpened(invocation, { coffre }, async (cache) => {
      const { id } = await coffre.users.get(name)
      return work(cache.for(id, options), id)
    })
  })
}

/** As `withUserSpace`, also of a user who is deleted and left entries. */
export async function withRemains<Result>(
  invocation: Invocation,
  space: { readonly user: string } & CacheSpaceOptions,
  work: (space: CacheSpace) => Promise<Result>,
): Promise<Result> {
  const { user: name, ...options } = space
  if (choosePlace(invocation.options, invocation.terminal.environment).kind === 'folder') {
    await requireCacheUrl(invocation)
  }
  return withCoffre(
    invocation,
    (coffre) => work(coffre.cache.for(name === OWN_NAME ? undefined : name, options)),
    { needsCache: true },
  )
}

async function withOpened<Result>(
  invocation: Invocation,
  joined: { readonly coffre?: Coffre },
  work: (cache: CacheService) => Promise<Result>,
): Promise<Result> {
  const { options, printer, terminal } = invocation
  const url = await requireCacheUrl(invocation)
  const { openCache } = await import('../app-cache.ts')
  const cache = await openCache({
    url,
    ...joined,
    ...readCacheVariables(terminal.environment),
    // The result says it already; an entry that was changed is told with its exit code.
    ...(options.flag('explain') ? { onStep: (step) => explain(invocation, step) } : {}),
    onAlert: ({ kind }) => void printer.line(`cache: ${kind}`),
  })
  try {
    return await work(cache)
  } finally {
    await cache.close()
  }
}

async function requireCacheUrl(invocation: Invocation): Promise<Secret> {
  const url = await readCacheUrl(invocation)
  if (url !== undefined) return url
  throw new CoffreError('CONFIG_REFUSED', {
    facts: {
      setting: 'COFFRE_CACHE_URL',
      expected: 'valkey://host:6379, or redis://, valkeys://, rediss://',
    },
  })
}

/** One line for each step of a read, with the time since the command began: never a name, secret or value. */
export function explain({ printer }: Invocation, step: CacheStep | 'name' | 'credential'): void {
  const milliseconds = (performance.now() - STARTED_AT).toFixed(1)
  void printer.note(`explain.${step}`, { milliseconds })
}

export function readTtl({ options }: Invocation): number | undefined {
  return options.wholeNumber('ttl', TTL)
}

/** How old an entry of format 1 may be that is read. */
export function readAge({ options }: Invocation): { readonly ttlSeconds?: number } {
  const ttlSeconds = options.wholeNumber('ttl', AGE)
  return ttlSeconds === undefined ? {} : { ttlSeconds }
}
