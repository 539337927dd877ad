import { randomText } from '../../crypto/random.ts'
import { CoffreError } from '../../model/errors.ts'

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * `source` is the alphabet of the guide that Coffre keeps to (88 characters). `safe` leaves out what a shell, a
 * configuration file, a URL or printf could read as more than a character, so it stands without quotes anywhere.
 */
export const KEY_ALPHABETS = {
  safe: `${LETTERS_AND_DIGITS}-_.+=:,@`,
  source: `${LETTERS_AND_DIGITS}!@#$%^&*()_+-=[]{}|;:,.<>?`,
} as const

export type KeyAlphabet = keyof typeof KEY_ALPHABETS

export const DEFAULT_KEY_CHARACTERS = 64
/** Below this no key is made or taken, for development neither. */
export const MIN_KEY_CHARACTERS = 32
const MAX_KEY_CHARACTERS = 512

const CLASSES = [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/]

/** python-dotenv replaces `${…}` by a variable inside single quotes as well. */
const INTERPOLATED = /\$\{/

/**
 * A whole text is drawn and, where a class is missing, drawn again. So every acceptable key is as likely as any
 * other; putting the missing character into a drawn text would favour some.
 */
export function makeSecretKey(request: {
  readonly length?: number
  readonly alphabet?: KeyAlphabet
}): string {
  const { length = DEFAULT_KEY_CHARACTERS, alphabet = 'safe' } = request
  if (!Number.isInteger(length) || length < MIN_KEY_CHARACTERS || length > MAX_KEY_CHARACTERS) {
    const facts = { at: 'length', least: MIN_KEY_CHARACTERS, most: MAX_KEY_CHARACTERS }
    throw new CoffreError('INVALID_REQUEST', { facts })
  }
  for (;;) {
    const key = randomText(KEY_ALPHABETS[alphabet], length)
    if (CLASSES.every((each) => each.test(key)) && !INTERPOLATED.test(key)) return key
  }
}

/** A key that somebody brings. `openssl rand -base64 64` breaks its line after 64 characters: the parts are joined. */
export function readSecretKey(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  const isWrappedBase64 = lines.length > 1 && lines.every((line) => /^[A-Za-z0-9+/]+={0,2}$/.test(line))
  const key = lines.length === 1 || isWrappedBase64 ? lines.join('') : ''
  if (key.length < MIN_KEY_CHARACTERS || key.length > MAX_KEY_CHARACTERS) {
    const expected = `one line of ${MIN_KEY_CHARACTERS} to ${MAX_KEY_CHARACTERS} characters, or base64 in lines`
    throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected } })
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: 'visible ASCII without spaces' } })
  }
  return key
}
