import type { CacheService } from '../app-cache.ts'
import type { CacheStep } from '../model/cache.ts'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { readCacheUrl } from './input/secret-setting.ts'
import type { Invocation } from './invocation.ts'
import { withCoffre } from './with-coffre.ts'

const JSON_STYLES = ['compact', 'python'] as const
const STARTED_AT = performance.now()
const TTL = { from: 0, to: 31_536_000 }

/** Opens the cache server of COFFRE_CACHE_URL, runs `work`, and closes again whatever happens. */
export async function withCache<Result>(
  invocation: Invocation,
  work: (cache: CacheService) => Promise<Result>,
): Promise<Result> {
  return withOpened(invocation, {}, work)
}

/** As `withCache`, with the Coffre that keeps the data keys of users. */
export function withUserCache<Result>(
  invocation: Invocation,
  work: (cache: CacheService, coffre: Coffre) => Promise<Result>,
): Promise<Result> {
  return withCoffre(invocation, (coffre) =>
    withOpened(invocation, { coffre }, (cache) => work(cache, coffre)),
  )
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
  const jsonStyle = options.choice('json-style', JSON_STYLES)
  const caFile = terminal.environment['COFFRE_CACHE_CACERT']
  const { openCache } = await import('../app-cache.ts')
  const cache = await openCache({
    url,
    ...joined,
    ...(jsonStyle === undefined ? {} : { jsonStyle }),
    ...(caFile === undefined || caFile === '' ? {} : { caFile }),
    ...ttlOf(terminal.environment['CACHE_TTL_SECONDS']),
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
