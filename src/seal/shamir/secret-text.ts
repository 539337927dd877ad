import { wordlist } from '@scure/bip39/wordlists/english.js'
import { invalidShare } from './share.ts'

/** Crockford's base 32: no I, L, O or U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DIGIT_BITS = 5
const WORD_BITS = 11
const GROUP = 6
/** The first four letters of a word are unique, which is what people write down. */
const UNIQUE_LETTERS = 4
const WORD_INDEX: ReadonlyMap<string, number> = new Map(
  wordlist.map((word, index) => [word.slice(0, UNIQUE_LETTERS), index]),
)
const MISREAD: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' }

/** How one kind of secret is written: its prefix as text, and its length (docs/spec/share.md). */
export interface TextForm {
  readonly prefix: string
  readonly bytes: number
}

/** Capitals, digits and dashes, which a QR code holds densely. */
export function toDigits(form: TextForm, bytes: Uint8Array): string {
  const digits = regroup(bytes, 8, DIGIT_BITS).map((digit) => DIGITS.charAt(digit))
  const groups: string[] = []
  for (let at = 0; at < digits.length; at += GROUP) groups.push(digits.slice(at, at + GROUP).join(''))
  return form.prefix + groups.join('-')
}

/** Words of the English BIP-39 list. */
export function toWords(bytes: Uint8Array): string {
  return regroup(bytes, 8, WORD_BITS)
    .map((index) => wordlist[index] ?? '')
    .join(' ')
}

/** Either form, in any case and spacing. Throws SHARE_INVALID: the place of a mistake, never its text. */
export function fromText(form: TextForm, text: string): Uint8Array {
  const upper = text.trim().toUpperCase()
  const bytes = upper.startsWith(form.prefix)
    ? regroup(readDigits(form, upper), DIGIT_BITS, 8)
    : regroup(readWords(form, upper), WORD_BITS, 8)
  // What is beyond the last byte must be zero, so that one secret has one spelling.
  if (bytes.slice(form.bytes).some((rest) => rest !== 0)) throw invalidShare({ reason: 'checksum' })
  return Uint8Array.from(bytes.slice(0, form.bytes))
}

function readDigits(form: TextForm, upper: string): readonly number[] {
  const expected = Math.ceil((form.bytes * 8) / DIGIT_BITS)
  const text = upper.slice(form.prefix.length).replaceAll(/[\s-]/g, '')
  if (text.length !== expected) throw invalidShare({ reason: 'length', given: text.length, expected })
  return Array.from(text, (letter, index) => {
    const digit = DIGITS.indexOf(MISREAD[letter] ?? letter)
    if (digit < 0) throw invalidShare({ reason: 'character', position: index + 1 })
    return digit
  })
}

function readWords(form: TextForm, upper: string): readonly number[] {
  const expected = Math.ceil((form.bytes * 8) / WORD_BITS)
  // Numbers between words are how a sheet counts them.
  const words = upper
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
  if (words.length !== expected) throw invalidShare({ reason: 'words', given: words.length, expected })
  return words.map((word, at) => {
    const index = WORD_INDEX.get(word.slice(0, UNIQUE_LETTERS))
    if (index === undefined || wordlist[index]?.startsWith(word) !== true) {
      throw invalidShare({ reason: 'word', position: at + 1 })
    }
    return index
  })
}

/** Whether it stands in the list whole, in any case. */
export function isSecretWord(word: string): boolean {
  const lower = word.toLowerCase()
  const index = WORD_INDEX.get(lower.slice(0, UNIQUE_LETTERS))
  return index !== undefined && wordlist[index] === lower
}

/** The same bits in pieces of another size; the last piece is filled with zeros. */
function regroup(pieces: Iterable<number>, from: number, to: number): number[] {
  const out: number[] = []
  let [held, bits] = [0, 0]
  for (const piece of pieces) {
    held = (held << from) | piece
    bits += from
    while (bits >= to) {
      bits -= to
      out.push(held >>> bits)
      held &= (1 << bits) - 1
    }
  }
  if (bits > 0) out.push(held << (to - bits))
  return out
}
