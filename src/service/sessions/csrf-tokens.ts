import { concat, parseBase64url, utf8 } from '../../crypto/bytes.ts'
import { equalText } from '../../crypto/equal-text.ts'
import { randomBytes } from '../../crypto/random.ts'
import { CoffreError } from '../../model/errors.ts'
import type { SessionKeys } from './session-keys.ts'

const RANDOM_BYTES = 16
const ATTEMPTS = 3
/** docs/spec/session.md, "CSRF token". An Ed25519 proof has 86 characters. */
const PATTERN = /^([A-Za-z0-9_.-]{1,64})~([A-Za-z0-9_-]{22})~([A-Za-z0-9_-]{43,86})$/
const ZERO = new Uint8Array(1)

/** Tokens against cross-site requests, each bound to one session. */
export class CsrfTokens {
  readonly #keys: SessionKeys

  constructor(keys: SessionKeys) {
    this.#keys = keys
  }

  /** For the cookie and, by script, for the header of every request that changes something. */
  async create(sessionId: string): Promise<string> {
    const random = Buffer.from(randomBytes(RANDOM_BYTES)).toString('base64url')
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { kid } = await this.#keys.current()
      const proof = await this.#keys.sign(kid, 'csrf', toMessage(sessionId, random))
      if (proof !== undefined) return `${kid}~${random}~${Buffer.from(proof).toString('base64url')}`
    }
    throw new CoffreError('CONFLICT')
  }

  /** Whether cookie and header say the same, and it was made for this session. */
  async verify(sessionId: string, cookie: string | undefined, header: string | undefined): Promise<boolean> {
    const [, kid, random, text] = PATTERN.exec(header ?? '') ?? []
    const proof = text === undefined ? undefined : parseBase64url(text)
    if (kid === undefined || random === undefined || proof === undefined) return false
    if (cookie === undefined || header === undefined || !equalText(cookie, header)) return false
    return this.#keys.verify(kid, 'csrf', toMessage(sessionId, random), proof)
  }
}

function toMessage(sessionId: string, random: string): Uint8Array {
  return concat(utf8(sessionId), ZERO, utf8(random))
}
