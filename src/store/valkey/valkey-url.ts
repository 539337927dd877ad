import { CoffreError } from '../../model/errors.ts'

const DEFAULT_PORT = 6379
const MAX_DATABASE = 15
const SCHEMES: ReadonlyMap<string, boolean> = new Map([
  ['valkey:', false],
  ['redis:', false],
  ['valkeys:', true],
  ['rediss:', true],
])

export interface ValkeyAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly database: number
  /** Absent: the user `default` of the server. */
  readonly user?: string
  readonly password?: string
}

/** Reads `valkey://user@host:port/database`, `redis://`, and with TLS `valkeys://`, `rediss://`. Throws CONFIG_REFUSED. */
export function parseValkeyUrl(text: string): ValkeyAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const tls = url === undefined ? undefined : SCHEMES.get(url.protocol)
  const database = /^\/?(\d{1,2})?$/.exec(url?.pathname ?? '?')
  if (url === undefined || tls === undefined || url.hostname === '' || database === null) return refuse()
  const number = Number(database[1] ?? 0)
  if (number > MAX_DATABASE || url.search !== '' || url.hash !== '') return refuse()
  return {
    // An IPv6 address stands in brackets in a URL only.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    tls,
    database: number,
    ...(url.username === '' ? {} : { user: decode(url.username) }),
    ...(url.password === '' ? {} : { password: decode(url.password) }),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse()
  }
}

/** The URL may hold a password, so nothing of it is repeated. */
function refuse(): never {
  throw new CoffreError('CONFIG_REFUSED', {
    facts: {
      setting: 'COFFRE_CACHE_URL',
      expected: 'valkey:// or redis:// (valkeys://, rediss:// with TLS)',
    },
  })
}
