import type { CoreCacheOptions } from '../../app-cache.ts'
import { CACHE_TYPES } from '../../model/cache-name.ts'
import type { TtlByType } from '../../model/cache.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Sources } from '../invocation.ts'
import { readCacheUrl } from './secret-setting.ts'

export const MAX_TTL_SECONDS = 31_536_000

/** Of a server: the address, and what goes with it. */
export async function chooseCache(invocation: Sources): Promise<CoreCacheOptions> {
  const url = await readCacheUrl(invocation)
  return { ...(url === undefined ? {} : { url }), ...readCacheVariables(invocation.terminal.environment) }
}

export function readCacheVariables(
  environment: Readonly<Record<string, string | undefined>>,
): CoreCacheOptions {
  const caFile = environment['COFFRE_CACHE_CACERT'] ?? ''
  const { CACHE_TTL_SECONDS: ttl = '', CACHE_TTL_SECONDS_BY_TYPE: ttlByType = '' } = environment
  return {
    ...(caFile === '' ? {} : { caFile }),
    ...(ttl === '' ? {} : { ttlSeconds: readSeconds('CACHE_TTL_SECONDS', ttl) }),
    ...(ttlByType === '' ? {} : { ttlSecondsByType: readSecondsByType(ttlByType) }),
  }
}

/** Such as `contract=604800,address=604800`. */
function readSecondsByType(text: string): TtlByType {
  const setting = 'CACHE_TTL_SECONDS_BY_TYPE'
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [name, seconds = '', ...rest] = part.trim().split('=')
      const type = CACHE_TYPES.find((each) => each === name)
      if (type !== undefined && rest.length === 0) return [type, readSeconds(setting, seconds)]
      const expected = `<type>=<seconds>, with commas between; types: ${CACHE_TYPES.join(' ')}`
      throw new CoffreError('CONFIG_REFUSED', { facts: { setting, expected } })
    }),
  )
}

function readSeconds(setting: string, text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= MAX_TTL_SECONDS) return seconds
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { setting, expected: `whole seconds, 1 to ${MAX_TTL_SECONDS}` },
  })
}
