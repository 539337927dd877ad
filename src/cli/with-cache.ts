import type { CacheService, CoreCacheOptions } from '../app-cache.ts'
import type { CacheSpace, CacheSpaceOptions, CacheStep } from '../model/cache.ts'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { readCacheUrl } from './input/secret-setting.ts'
import type { Invocation } from './invocation.ts'
import { choosePlace } from './place.ts'
import { withCoffre } from './with-coffre.ts'

/** Of a server: the user whose credential asks. */
const OWN_NAME = 'me'
const STARTED_AT = performance.now()
const TTL = { from: 0, to: 31_536_000 }

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

async function withOpened<Result>(
  invocation: Invocation,
  joined: { readonly coffre?: Coffre },
  work: (cache: CacheService) => Promise<Result>,
): Promise<Result> {
  const { options, printer, terminal } = invocation
  const url = await readCacheUrl(invocation)
  if (url === undefined) {
    throw new CoffreError('CONFIG_REFUSED', {
      facts: {
        setting: 'COFFRE_CACHE_URL',
        expected: 'valkey://host:6379, or redis://, valkeys://, rediss://',
      },
    })
  }
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

/** One line for each step of a read, with the time since the command began: never a name, secret or value. */
export function explain({ printer }: Invocation, step: CacheStep | 'name' | 'credential'): void {
  const milliseconds = (performance.now() - STARTED_AT).toFixed(1)
  void printer.note(`explain.${step}`, { milliseconds })
}

/** Of a server: the address, and what goes with it. */
export async function chooseCache(invocation: Invocation): Promise<CoreCacheOptions> {
  const url = await readCacheUrl(invocation)
  return { ...(url === undefined ? {} : { url }), ...readCacheVariables(invocation.terminal.environment) }
}

function readCacheVariables(environment: Readonly<Record<string, string | undefined>>): CoreCacheOptions {
  const caFile = environment['COFFRE_CACHE_CACERT'] ?? ''
  return { ...(caFile === '' ? {} : { caFile }), ...ttlOf(environment['CACHE_TTL_SECONDS']) }
}

function ttlOf(text: string | undefined): { readonly ttlSeconds?: number } {
  if (text === undefined || text === '') return {}
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= TTL.to) return { ttlSeconds: seconds }
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { CACHE_TTL_SECONDS: `whole seconds, 1 to ${TTL.to}` },
  })
}

export function readTtl({ options }: Invocation): number | undefined {
  return options.wholeNumber('ttl', TTL)
}
