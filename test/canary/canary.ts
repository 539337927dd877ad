import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'

/** In every canary, so that one search finds them all; long enough to be in no other text. */
const MARK = 'KanarieNr'

/** Of a longer secret, every piece of so many characters is one. */
const PIECE = 20

/** Secrets that nobody may see again, and where they may not be seen. */
export class Canaries {
  readonly #texts = new Set<string>()
  /** Each in its spellings, which are made once: a search goes over thousands. */
  readonly #others: (readonly Buffer[])[] = []

  get size(): number {
    return this.#texts.size + this.#others.length
  }

  /** A new secret text, with what JSON has to escape. */
  make(): string {
    const text = `${MARK}${randomBytes(9).toString('hex')}"\\ü`
    this.#texts.add(text)
    return text
  }

  /** The same as bytes in base64, as the API takes them. */
  makeBase64(): string {
    return Buffer.from(this.make()).toString('base64')
  }

  /** A secret that Coffre has made itself: a token, a data key, the seal key. */
  add(secret: string | Uint8Array): void {
    this.#others.push(spellings(Buffer.from(secret)))
  }

  /** A secret with a form of its own: a share, a JWT, a PEM. A message that shows half of it shows it. */
  addText(text: string): string {
    for (let at = 0; at === 0 || at + PIECE <= text.length; at += PIECE / 2) {
      this.add(text.slice(at, at + PIECE))
    }
    return text
  }

  /** Throws where a canary can be read in `place`, in any of its spellings. */
  requireNone(place: string, content: string | Uint8Array): void {
    const haystack = Buffer.from(content)
    for (const spelling of MARK_SPELLINGS) {
      const at = haystack.indexOf(spelling)
      assert.ok(at < 0, `${place} shows a secret: …${around(haystack, at)}…`)
    }
    for (const spelling of this.#others.flat()) {
      const at = haystack.indexOf(spelling)
      assert.ok(at < 0, `${place} shows key material or a token: …${around(haystack, at)}…`)
    }
  }
}

const MARK_SPELLINGS = spellings(Buffer.from(MARK))

/** Raw, hex, base64 and base64url; base64 at each of its three alignments, without what neighbours change. */
function spellings(raw: Buffer): readonly Buffer[] {
  const hex = raw.toString('hex')
  const base64 = [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), raw])
    const whole = shifted.subarray(0, shifted.length - (shifted.length % 3))
    return [whole.toString('base64'), whole.toString('base64url')].map((text) =>
      text.slice(shift === 0 ? 0 : 4),
    )
  })
  return [raw, ...[hex, hex.toUpperCase(), ...base64].map((text) => Buffer.from(text))]
}

function around(haystack: Buffer, at: number): string {
  return haystack.toString('latin1', Math.max(0, at - 60), at + 60)
}
