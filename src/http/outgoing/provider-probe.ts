import { readFile } from 'node:fs/promises'
import type { ApiKeyProvider, ApiKeyTest } from '../../model/api-key.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ProviderProbe } from '../../service/api-keys/api-key-service.ts'
import { askStatus } from './fetch-document.ts'

export interface ProviderAccess {
  /** In place of the provider's own; the only ones that may be in a private network. */
  readonly baseUrls: Readonly<Partial<Record<ApiKeyProvider, string>>>
  readonly caFile?: string
}

interface ProviderRow {
  readonly baseUrl?: string
  /** Something that costs nothing and needs a key. */
  readonly path: string
  /** What it answers besides 401 where the key is none. */
  readonly refuses?: number
  headers(key: string): Readonly<Record<string, string>>
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

const ROWS: Readonly<Record<ApiKeyProvider, ProviderRow>> = {
  mistral: { baseUrl: 'https://api.mistral.ai', path: '/v1/models', headers: bearer },
  openai: { baseUrl: 'https://api.openai.com', path: '/v1/models', headers: bearer },
  // Its list of models is open to everybody.
  openrouter: { baseUrl: 'https://openrouter.ai', path: '/api/v1/key', headers: bearer },
  anthropic: {
    baseUrl: 'https://api.anthropic.com',
    path: '/v1/models',
    headers: (key) => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
  },
  google: {
    baseUrl: 'https://generativelanguage.googleapis.com',
    path: '/v1beta/models',
    // This address takes nothing else that could be wrong.
    refuses: 400,
    headers: (key) => ({ 'x-goog-api-key': key }),
  },
  custom: { path: '/v1/models', headers: bearer },
}

/** Header values are Latin-1 at most; a key with more cannot be one. */
const SENDABLE = /^[\x20-\x7e]+$/

/** Asks the providers themselves, at the addresses that the operator knows. */
export function providerProbe(access: ProviderAccess = { baseUrls: {} }): ProviderProbe {
  return {
    test: async (provider, key) => {
      const row = rowOf(provider)
      const own = access.baseUrls[row.name]
      const base = own ?? row.baseUrl
      if (base === undefined) {
        throw new CoffreError('CONFIG_REFUSED', { facts: { COFFRE_PROVIDER_URLS: `${row.name}=https://…` } })
      }
      const text = key.toString('utf8')
      if (!SENDABLE.test(text)) return { verdict: 'refused' }
      const url = base.replace(/\/+$/, '') + row.path
      const allowedHosts = new Set(own === undefined ? [] : [new URL(own).hostname])
      const ca = access.caFile === undefined ? {} : { ca: await readFile(access.caFile, 'latin1') }
      return judge(
        () => askStatus(url, { allowedHosts, maximumBytes: 0, ...ca }, row.headers(text)),
        row.refuses,
      )
    },
  }
}

function rowOf(provider: string): ProviderRow & { readonly name: ApiKeyProvider } {
  for (const name of Object.keys(ROWS) as ApiKeyProvider[]) {
    if (name === provider) return { ...ROWS[name], name }
  }
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'provider' } })
}

async function judge(ask: () => Promise<number>, refuses: number | undefined): Promise<ApiKeyTest> {
  try {
    const status = await ask()
    return { verdict: status === refuses ? 'refused' : verdictOf(status), status }
  } catch (error) {
    if (!(error instanceof CoffreError) || error.code !== 'SERVER_UNREACHABLE') throw error
    return { verdict: error.facts['reason'] === 'timeout' ? 'timeout' : 'unreachable' }
  }
}

function verdictOf(status: number): ApiKeyTest['verdict'] {
  if (status >= 200 && status < 300) return 'accepted'
  if (status === 401) return 'refused'
  if (status === 403) return 'forbidden'
  if (status === 429) return 'rate-limited'
  return status === 408 || status === 504 ? 'timeout' : 'unexpected'
}
