import { createHmac, hash } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import { Fernet } from './fernet.ts'
import { parseFernetKey } from './fernet-key.ts'
import { rawBytes } from './key-material.ts'

const CHECK_LABEL = 'coffre check of a Fernet key v1'
const CHECK_CHARACTERS = 32
/**
 * SHA-256 of keys that stand in public documents, as far as we know each: the example of the Fernet specification, and one
 * that a developer's guide printed. Whoever encrypts under one hides nothing.
 */
const PUBLISHED: readonly string[] = [
  'd88a2cb53b61ef4d6fe8923a89129d437a293f6cd1a951ff09b94f971a88d585',
  'a88e84ed',
]

/** One key or several with commas between: the first encrypts, all decrypt. */
export class FernetRing {
  readonly #all: Fernet
  readonly #first: Fernet
  /** By which each key is known again, the first one's first; they tell nothing of the keys. */
  readonly checks: readonly [string, ...string[]]

  private constructor(texts: readonly [string, ...string[]]) {
    this.#all = new Fernet(texts)
    this.#first = new Fernet(texts[0])
    const [first, ...others] = texts
    this.checks = [checkOf(first), ...others.map(checkOf)]
  }

  /** Throws KEY_REFUSED for a text that is no key, and for a key that everybody knows. */
  static parse(text: string): FernetRing {
    const [first = '', ...others] = text.split(',').map((each) => each.trim())
    const texts: readonly [string, ...string[]] = [first, ...others]
    const ring = new FernetRing(texts)
    if (texts.some(isPublished)) {
      throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: 'a key that is not published' } })
    }
    return ring
  }

  encrypt(plaintext: string | Uint8Array): string {
    return this.#first.encrypt(plaintext)
  }

  /** Throws `InvalidToken`. */
  decrypt(token: string): Uint8Array {
    return this.#all.decrypt(token)
  }

  /** Whether the first key made it. */
  isCurrent(token: string): boolean {
    const [opened] = this.#first.decryptMany([token])
    opened?.fill(0)
    return opened !== undefined
  }
}

function checkOf(text: string): string {
  const material = parseFernetKey(text)
  const check = createHmac('sha256', rawBytes(material)).update(CHECK_LABEL).digest('hex')
  material.wipe()
  return check.slice(0, CHECK_CHARACTERS)
}

function isPublished(text: string): boolean {
  const hashes = [hash('sha256', text, 'hex'), hash('sha256', Buffer.from(text, 'base64url'), 'hex')]
  return hashes.some((each) => PUBLISHED.some((known) => each.startsWith(known)))
}
