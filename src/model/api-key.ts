import type { Secret } from './secret.ts'

/** Who gives keys to users. `custom`: any other that speaks OpenAI's way of naming the key. */
export const API_KEY_PROVIDERS = ['mistral', 'openai', 'openrouter', 'anthropic', 'google', 'custom'] as const

export type ApiKeyProvider = (typeof API_KEY_PROVIDERS)[number]

export function isApiKeyProvider(value: unknown): value is ApiKeyProvider {
  return API_KEY_PROVIDERS.some((provider) => provider === value)
}

/** How a provider's key is kept: a Fernet token under FERNET_SECRET_KEY, or Coffre's own ciphertext. */
export const WRAPPING_FORMS = ['fernet', 'own'] as const

export type WrappingForm = (typeof WRAPPING_FORMS)[number]

/**
 * The keys that providers gave to users. `user` names one by id or client id, which only administrators may; absent, it is
 * the user who asks.
 */
export interface ApiKeys {
  /** Takes the place of the one before. Throws API_KEY_REFUSED. */
  set(request: SetApiKeyRequest): Promise<ApiKeyView>
  get(user?: string): Promise<ApiKeyView>
  /** Also when there is none. */
  remove(user?: string): Promise<void>
  /** Asks the provider. Throws API_KEY_REQUIRED and API_KEY_UNREADABLE. */
  test(user?: string): Promise<ApiKeyTest>
  /** Of the users of the tenant who have one, ordered by id. */
  list(query?: { readonly after?: string; readonly limit?: number }): Promise<readonly ListedApiKey[]>
  /**
   * Encrypts every key of every tenant again: under the first key of FERNET_SECRET_KEY, or a new version of Coffre's own
   * key. Users do nothing. Interrupted, it goes on when it is called again.
   */
  rotateWrapping(options?: RotateWrappingOptions): Promise<RotatedWrapping>
  /** Erases every key of every tenant, and what they were encrypted under; users store theirs again. */
  revokeAll(options?: RevokeAllOptions): Promise<RevokedApiKeys>
}

/** What the library has besides, in the process that holds the store. */
export interface EmbeddedApiKeys extends ApiKeys {
  /**
   * Gives the user's key to `work` and wipes it afterwards; it is never kept. Throws API_KEY_REQUIRED and
   * API_KEY_UNREADABLE; nobody else's key takes its place.
   */
  use<Result>(user: string, work: (key: Secret<Buffer>) => Promise<Result>): Promise<Result>
}

export interface SetApiKeyRequest {
  readonly user?: string
  readonly apiKey: Secret | string
  /** `mistral` when absent. */
  readonly provider?: ApiKeyProvider
}

export interface ApiKeyView {
  /** `unreadable`: it is there and does not open, so it has to be stored again. */
  readonly status: 'ok' | 'unreadable' | 'none'
  readonly provider?: string
  readonly createdAt?: string
  /** Only of a key of at least 20 characters. */
  readonly lastFour?: string
  /** Keyed and bound to the user: equal only for the same key of the same user. */
  readonly fingerprint?: string
  readonly form?: WrappingForm
  /** Present when it was just stored: whether it looks like this provider's keys. A hint, no judgement. */
  readonly looksUsual?: boolean
}

export interface ListedApiKey extends ApiKeyView {
  readonly user: string
  readonly clientId: string
}

/** What a provider says of a key. Only `accepted` means that it works. */
export const API_KEY_VERDICTS = [
  'accepted',
  'refused',
  'forbidden',
  'rate-limited',
  'timeout',
  'unreachable',
  'unexpected',
] as const

export interface ApiKeyTest {
  readonly verdict: (typeof API_KEY_VERDICTS)[number]
  /** Of the provider's answer, where there was one. */
  readonly status?: number
}

export interface RotateWrappingOptions {
  /** Absent: `fernet` where FERNET_SECRET_KEY is set, else `own`. */
  readonly to?: WrappingForm
  /** How many of how many. */
  readonly tell?: (done: number, of: number) => void
}

export interface RevokeAllOptions {
  /**
   * Ends a run that was interrupted once the rows were cleared, and clears none: what users stored since stays. `key` is
   * the check value of the FERNET_SECRET_KEY that has yet to be replaced; INVALID_REQUEST where it was not revoked.
   */
  readonly resume?: { readonly key?: string }
}

export interface RevokedApiKeys {
  readonly revoked: number
}

export interface RotatedWrapping {
  readonly form: WrappingForm
  readonly rotated: number
  /** They stay as they are; their users have to store theirs again. */
  readonly unreadable: number
}
