/** Numbers from 0 to 2^32 - 1, the same for the same seed. */
export class Draw {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Mulberry32: quick and even enough to choose mutations. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** Below `bound`; 0 where there is no room. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.next() % bound
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.below(items.length)]
  }
}

/** What lengths, counts and dates are bad at. */
const EXTREMES = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
]
const WORDS = [
  '',
  '\0',
  '"',
  '\\',
  '\n',
  '=',
  '==',
  '{',
  '[[[[',
  '__proto__',
  '-1',
  '1e309',
  '\ud800',
  '𝕏',
  '%00',
  '../',
]
/** Repeats grow an input; beyond this nothing new is found. */
const MAX_BYTES = 64 * 1024
const MAX_STEPS = 4

type Step = (input: Buffer, draw: Draw, others: readonly Buffer[]) => Buffer

const STEPS: readonly Step[] = [
  (input, draw) => change(input, draw, (byte) => byte ^ (1 << draw.below(8))),
  (input, draw) => change(input, draw, (byte) => byte ^ (1 << draw.below(8))),
  (input, draw) => change(input, draw, () => draw.below(256)),
  (input, draw) => input.subarray(0, draw.below(input.length + 1)),
  (input, draw) => input.subarray(draw.below(input.length + 1)),
  (input, draw) => {
    const [from, to] = slice(input, draw)
    return Buffer.concat([input.subarray(0, from), input.subarray(to)])
  },
  (input, draw) => {
    const [from, to] = slice(input, draw)
    const copies = Array.from({ length: 1 + draw.below(8) }, () => input.subarray(from, to))
    return Buffer.concat([input.subarray(0, to), ...copies, input.subarray(to)])
  },
  (input, draw, others) => {
    const other = draw.pick(others) ?? input
    return Buffer.concat([
      input.subarray(0, draw.below(input.length + 1)),
      other.subarray(draw.below(other.length + 1)),
    ])
  },
  (input, draw) => putNumber(input, draw),
  (input, draw) => {
    const word = Buffer.from(draw.pick(WORDS) ?? '')
    const at = draw.below(input.length + 1)
    return Buffer.concat([input.subarray(0, at), word, input.subarray(at)])
  },
]

/** A valid input made wrong, in one to four places. */
export function mutate(seeds: readonly Buffer[], draw: Draw): Buffer {
  let input: Buffer = Buffer.from(draw.pick(seeds) ?? '')
  for (let steps = 1 + draw.below(MAX_STEPS); steps > 0; steps -= 1) {
    input = draw.pick(STEPS)?.(input, draw, seeds) ?? input
    if (input.length > MAX_BYTES) input = input.subarray(0, MAX_BYTES)
  }
  return input
}

function change(input: Buffer, draw: Draw, to: (byte: number) => number): Buffer {
  const changed = Buffer.from(input)
  const at = draw.below(changed.length)
  if (changed.length > 0) changed[at] = to(changed[at] ?? 0)
  return changed
}

function slice(input: Buffer, draw: Draw): [from: number, to: number] {
  const from = draw.below(input.length + 1)
  return [from, from + draw.below(input.length - from + 1)]
}

/** A big-endian number of one, two or four bytes, as lengths and versions are written. */
function putNumber(input: Buffer, draw: Draw): Buffer {
  const bytes = draw.pick([1, 2, 4]) ?? 1
  if (input.length < bytes) return input
  const changed = Buffer.from(input)
  const value = (draw.pick(EXTREMES) ?? 0) % 2 ** (8 * bytes)
  changed.writeUIntBE(value, draw.below(input.length - bytes + 1), bytes)
  return changed
}
