import { type ApiKeyProvider, API_KEY_PROVIDERS, isApiKeyProvider } from '../../model/api-key.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_API_KEY_CHARACTERS } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'

const CONTROL = /\p{Cc}/u
/** Of a shorter key, four characters would be a good part. */
const MIN_CHARACTERS_TO_SHOW = 20
const SHOWN_CHARACTERS = 4

/** As far as providers say; a key of another shape may still be one. */
const USUAL: Readonly<Record<ApiKeyProvider, RegExp>> = {
  mistral: /^[A-Za-z0-9]{32}$/,
  openai: /^sk-[A-Za-z0-9_-]{20,}$/,
  openrouter: /^sk-or-[A-Za-z0-9_-]{20,}$/,
  anthropic: /^sk-ant-[A-Za-z0-9_-]{20,}$/,
  google: /^AIza[A-Za-z0-9_-]{35}$/,
  custom: /./,
}

type Fault = 'type' | 'empty' | 'blank' | 'too-long' | 'control-characters' | 'malformed'

/** Throws API_KEY_REFUSED that says why, and nothing of the key. */
export function readApiKey(given: unknown): string {
  const text = given instanceof Secret ? given.reveal() : given
  if (typeof text !== 'string') return refuse('type')
  const fault = faultOf(text)
  return fault === undefined ? text : refuse(fault)
}

function faultOf(text: string): Fault | undefined {
  if (text === '') return 'empty'
  if (text.length > MAX_API_KEY_CHARACTERS) return 'too-long'
  if (CONTROL.test(text)) return text.trim() === '' ? 'blank' : 'control-characters'
  if (text.trim() === '') return 'blank'
  return text.isWellFormed() ? undefined : 'malformed'
}

export function readProvider(given: unknown): ApiKeyProvider {
  if (given === undefined) return 'mistral'
  if (isApiKeyProvider(given)) return given
  const facts = { at: 'provider', expected: API_KEY_PROVIDERS.join(', ') }
  throw new CoffreError('INVALID_REQUEST', { facts })
}

export function looksUsual(provider: ApiKeyProvider, text: string): boolean {
  return USUAL[provider].test(text)
}

export function lastFourOf(text: string): { readonly lastFour?: string } {
  return text.length < MIN_CHARACTERS_TO_SHOW ? {} : { lastFour: text.slice(-SHOWN_CHARACTERS) }
}

/** Also for one that is too long to be read at all. */
export function tooLong(): CoffreError {
  return refusal('too-long')
}

function refuse(reason: Fault): never {
  throw refusal(reason)
}

function refusal(reason: Fault): CoffreError {
  return new CoffreError('API_KEY_REFUSED', {
    facts: { at: 'api_key', reason, maximum: MAX_API_KEY_CHARACTERS },
  })
}
