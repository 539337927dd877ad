import { createHmac } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import { Fernet } from './fernet.ts'
import { parseFernetKey } from './fernet-key.ts'
import { rawBytes } from './key-material.ts'
import { isPublished } from './published-keys.ts'

const CHECK_LABEL = 'coffre check of a Fernet key v1'
const CHECK_CHARACTERS = 32

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

  /**
   * Throws KEY_REFUSED for a text that is no key, and where the first is a key that everybody knows. Behind another one it
   * may stand: what was encrypted under it has to be opened to be encrypted again.
   */
  static parse(text: string): FernetRing {
    const [first = '', ...others] = text.split(',').map((each) => each.trim())
    const texts: readonly [string, ...string[]] = [first, ...others]
    const ring = new FernetRing(texts)
    if (isPublished(first)) {
      throw new CoffreError('KEY_REFUSED', {
        facts: { at: 'key', expected: 'a key that is not published in front' },
      })
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
