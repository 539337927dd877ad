const MASK = Buffer.from('***')
/** Shorter values would mask words of every text: `true`, `3000`, `prod`. */
const MIN_MASKED_CHARACTERS = 8

/**
 * Takes secrets out of a stream of bytes, also where one lies across two pieces: as they are, in base64, in base64url,
 * in hexadecimal, as in a URL and as in JSON. What could be the beginning of one waits for the next piece.
 */
export class Mask {
  readonly #forms: readonly Buffer[]
  readonly #longest: number
  #waiting: Buffer = Buffer.alloc(0)

  constructor(values: readonly string[]) {
    const forms = new Set(values.filter(({ length }) => length >= MIN_MASKED_CHARACTERS).flatMap(formsOf))
    // The longest first, so that no part of one is left beside the mask of another.
    this.#forms = [...forms]
      .toSorted((one, other) => other.length - one.length)
      .map((form) => Buffer.from(form))
    this.#longest = this.#forms[0]?.length ?? 0
  }

  /** What can be shown of all that came. */
  write(piece: Uint8Array): Buffer {
    if (this.#longest === 0) return Buffer.from(piece)
    const bytes = Buffer.concat([this.#waiting, piece])
    const { shown, at } = this.#cover(bytes, (from) => this.#isOpen(bytes, from))
    const keep = this.#openEnd(bytes, at)
    this.#waiting = Buffer.from(bytes.subarray(keep))
    return Buffer.concat([...shown, bytes.subarray(at, keep)])
  }

  end(): Buffer {
    const rest = this.#waiting
    this.#waiting = Buffer.alloc(0)
    const { shown, at } = this.#cover(rest, () => false)
    return Buffer.concat([...shown, rest.subarray(at)])
  }

  /** Everything up to the end of the last secret that is whole, or to one that may go on. */
  #cover(
    bytes: Buffer,
    isOpen: (from: number) => boolean,
  ): { readonly shown: readonly Buffer[]; readonly at: number } {
    const shown: Buffer[] = []
    let at = 0
    for (;;) {
      const next = this.#find(bytes, at)
      if (next === undefined || isOpen(next.from)) return { shown, at }
      shown.push(bytes.subarray(at, next.from), MASK)
      at = next.to
    }
  }

  #find(bytes: Buffer, at: number): { readonly from: number; readonly to: number } | undefined {
    let found: { from: number; to: number } | undefined
    for (const form of this.#forms) {
      const from = bytes.indexOf(form, at)
      if (from >= 0 && (found === undefined || from < found.from)) found = { from, to: from + form.length }
    }
    return found
  }

  /** Where the end of `bytes` begins to look like a secret. */
  #openEnd(bytes: Buffer, at: number): number {
    for (let from = Math.max(at, bytes.length - this.#longest + 1); from < bytes.length; from += 1) {
      if (this.#isOpen(bytes, from)) return from
    }
    return bytes.length
  }

  /** Whether all bytes from there on are the beginning of a secret that is not whole. */
  #isOpen(bytes: Buffer, from: number): boolean {
    const tail = bytes.subarray(from)
    return this.#forms.some((form) => form.length > tail.length && form.subarray(0, tail.length).equals(tail))
  }
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8')
  const json = JSON.stringify(value).slice(1, -1)
  const percent = encodeURIComponent(value)
  const form = new URLSearchParams({ v: value }).toString().slice(2)
  const hex = bytes.toString('hex')
  const base64 = [bytes.toString('base64'), bytes.toString('base64url')]
  return [
    value,
    json,
    percent,
    form,
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replace(/=+$/, '')),
    ...innerBase64(bytes, 'base64'),
    ...innerBase64(bytes, 'base64url'),
  ]
}

/**
 * The characters of base64 that only the value decides, for each of the three places where it can begin in a longer
 * text: `user:SECRET` of basic authentication has it inside.
 */
function innerBase64(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString(encoding)
      .replace(/=+$/, '')
    const isWhole = (shift + bytes.length) % 3 === 0
    const from = shift === 0 ? 0 : shift + 1
    return text.slice(from, isWhole ? undefined : -1)
  })
}
