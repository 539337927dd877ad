import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { API_KEY_PROVIDERS, type ApiKeyProvider, isApiKeyProvider } from './model/api-key.ts'
import { isCidr } from './model/cidr.ts'
import { CoffreError } from './model/errors.ts'

/** Not Vault's 8200, so that both run on one machine. */
export const DEFAULT_PORT = 8250
const DEFAULT_DATA_DIR = './coffre-data'

/** Each holds a connection or two of its own; beyond the cores more of them only wait for each other. */
const MAX_WORKERS = 64

const SETTINGS = z.object({
  COFFRE_DATA_DIR: z.string().min(1).default(DEFAULT_DATA_DIR),
  COFFRE_HOST: z.string().min(1).default('127.0.0.1'),
  COFFRE_PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
  COFFRE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  COFFRE_SEAL: z.enum(['file', 'environment', 'passphrase', 'shamir']).optional(),
  COFFRE_SEAL_KEY_PATH: z.string().min(1).optional(),
  COFFRE_MAX_STREAMS: z.coerce.number().int().min(1).max(10_000).optional(),
  COFFRE_MAX_STREAM_BYTES: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  COFFRE_STREAM_IDLE_SECONDS: z.coerce.number().int().min(1).max(86_400).optional(),
  COFFRE_WORKERS: z.union([z.literal('auto'), z.coerce.number().int().min(1).max(MAX_WORKERS)]).default(1),
  COFFRE_ALLOW_REMOTE: z.enum(['0', '1']).default('0'),
  COFFRE_TRUSTED_PROXIES: z.string().optional(),
  COFFRE_DOCS: z.enum(['0', '1']).default('1'),
  COFFRE_TLS_CERT: z.string().min(1).optional(),
  COFFRE_TLS_KEY: z.string().min(1).optional(),
  COFFRE_TLS_CLIENT_CA: z.string().min(1).optional(),
  COFFRE_TLS_CLIENT_CRL: z.string().min(1).optional(),
  COFFRE_LOGIN_ALLOWED_HOSTS: z.string().default(''),
  COFFRE_LOGIN_CACERT: z.string().min(1).optional(),
  COFFRE_PROVIDER_URLS: z.string().default(''),
  COFFRE_PROVIDER_CACERT: z.string().min(1).optional(),
  COFFRE_TLS_MIN: z.enum(['1.2', '1.3']).default('1.2'),
})

export interface Settings {
  readonly dataDir: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
  /** Absent: as the store was sealed; a key file for a new one. */
  readonly sealProvider?: 'file' | 'environment' | 'passphrase' | 'shamir'
  readonly sealKeyPath?: string
  /** Processes that serve together. */
  readonly workers: number
  /** Plain HTTP beyond this machine must be asked for by name. */
  readonly allowRemote: boolean
  /** Proxies whose `x-forwarded-for` is believed: addresses and blocks. */
  readonly trustedProxies: readonly string[]
  /** Whether the page /docs is served. */
  readonly docs: boolean
  /** Absent: plain HTTP. */
  readonly tls?: TlsSettings
  readonly issuers: IssuerSettings
  readonly providers: ProviderSettings
  readonly streams: StreamSettings
}

interface StreamSettings {
  readonly concurrent?: number
  readonly maxBytes?: number
  readonly idleMilliseconds?: number
}

/** How the keys of JWT issuers are fetched. */
export interface IssuerSettings {
  /** Hosts that may be in a private network. */
  readonly allowedHosts: readonly string[]
  /** PEM file of their CA. */
  readonly caFile?: string
}

/** Where keys of users are tried. */
export interface ProviderSettings {
  /** In place of a provider's own address. */
  readonly baseUrls: Readonly<Partial<Record<ApiKeyProvider, string>>>
  /** PEM file of their CA. */
  readonly caFile?: string
}

export interface TlsSettings {
  readonly certificateFile: string
  readonly keyFile: string
  readonly clientCaFile?: string
  readonly clientCrlFile?: string
  readonly minimumVersion: '1.2' | '1.3'
}

/** Every setting by its variable, with what counts where it is not given. */
export function settingDefaults(): Readonly<Record<string, string | undefined>> {
  const defaults: Readonly<Record<string, string | number | undefined>> = SETTINGS.parse({})
  return Object.fromEntries(Object.keys(SETTINGS.shape).map((name) => [name, defaults[name]?.toString()]))
}

/** Reads every setting from the environment. Throws CONFIG_REFUSED that names all that are wrong. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = SETTINGS.safeParse(environment)
  if (!parsed.success) {
    const facts = Object.fromEntries(
      parsed.error.issues.map((issue) => [issue.path.join('.'), issue.message]),
    )
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  const { data } = parsed
  const tls = readTls(data)
  const settings: Settings = {
    dataDir: data.COFFRE_DATA_DIR,
    host: data.COFFRE_HOST,
    port: data.COFFRE_PORT,
    logLevel: data.COFFRE_LOG_LEVEL,
    ...(data.COFFRE_SEAL === undefined ? {} : { sealProvider: data.COFFRE_SEAL }),
    ...(data.COFFRE_SEAL_KEY_PATH === undefined ? {} : { sealKeyPath: data.COFFRE_SEAL_KEY_PATH }),
    workers: data.COFFRE_WORKERS === 'auto' ? availableParallelism() : data.COFFRE_WORKERS,
    allowRemote: data.COFFRE_ALLOW_REMOTE === '1',
    trustedProxies: readProxies(data.COFFRE_TRUSTED_PROXIES ?? ''),
    docs: data.COFFRE_DOCS === '1',
    ...(tls === undefined ? {} : { tls }),
    streams: readStreams(data),
    providers: {
      baseUrls: readProviders(data.COFFRE_PROVIDER_URLS),
      ...(data.COFFRE_PROVIDER_CACERT === undefined ? {} : { caFile: data.COFFRE_PROVIDER_CACERT }),
    },
    issuers: {
      allowedHosts: data.COFFRE_LOGIN_ALLOWED_HOSTS.split(',').flatMap((host) => host.trim() || []),
      ...(data.COFFRE_LOGIN_CACERT === undefined ? {} : { caFile: data.COFFRE_LOGIN_CACERT }),
    },
  }
  requireLoopback(settings)
  return settings
}

/** `mistral=https://…,custom=https://…` */
function readProviders(text: string): ProviderSettings['baseUrls'] {
  const given = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  const urls = given.map((pair) => {
    const [name = '', ...rest] = pair.split('=')
    const url = rest.join('=')
    if (!isApiKeyProvider(name) || !URL.canParse(url)) {
      throw new CoffreError('CONFIG_REFUSED', {
        facts: { COFFRE_PROVIDER_URLS: `pairs such as custom=https://…, of ${API_KEY_PROVIDERS.join(', ')}` },
      })
    }
    return [name, url] as const
  })
  return Object.fromEntries(urls)
}

function readProxies(text: string): readonly string[] {
  const blocks = text.split(',').map((each) => each.trim())
  const given = blocks.filter((each) => each !== '')
  if (given.every((each) => isCidr(each, isIP))) return given
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { COFFRE_TRUSTED_PROXIES: 'addresses and blocks such as 10.0.0.0/8, with commas between' },
  })
}

function readStreams(data: z.output<typeof SETTINGS>): StreamSettings {
  const idle = data.COFFRE_STREAM_IDLE_SECONDS
  return {
    ...(data.COFFRE_MAX_STREAMS === undefined ? {} : { concurrent: data.COFFRE_MAX_STREAMS }),
    ...(data.COFFRE_MAX_STREAM_BYTES === undefined ? {} : { maxBytes: data.COFFRE_MAX_STREAM_BYTES }),
    ...(idle === undefined ? {} : { idleMilliseconds: idle * 1_000 }),
  }
}

function readTls(data: z.output<typeof SETTINGS>): TlsSettings | undefined {
  const {
    COFFRE_TLS_CERT: certificateFile,
    COFFRE_TLS_KEY: keyFile,
    COFFRE_TLS_CLIENT_CA: clientCaFile,
  } = data
  if (certificateFile === undefined && keyFile === undefined && clientCaFile === undefined) return undefined
  if (certificateFile === undefined || keyFile === undefined) {
    const expected = 'both COFFRE_TLS_CERT and COFFRE_TLS_KEY, or no setting of TLS'
    const facts = {
      ...(certificateFile === undefined ? { COFFRE_TLS_CERT: expected } : {}),
      ...(keyFile === undefined ? { COFFRE_TLS_KEY: expected } : {}),
    }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  const { COFFRE_TLS_CLIENT_CRL: clientCrlFile } = data
  const client = {
    ...(clientCaFile === undefined ? {} : { clientCaFile }),
    ...(clientCrlFile === undefined ? {} : { clientCrlFile }),
  }
  return { certificateFile, keyFile, ...client, minimumVersion: data.COFFRE_TLS_MIN }
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

function requireLoopback(settings: Settings): void {
  if (isLoopback(settings.host) || settings.tls !== undefined || settings.allowRemote) return
  throw new CoffreError('CONFIG_REFUSED', {
    facts: {
      COFFRE_HOST:
        'a loopback address, or COFFRE_TLS_CERT and COFFRE_TLS_KEY, or COFFRE_ALLOW_REMOTE=1 behind a TLS proxy',
    },
  })
}
