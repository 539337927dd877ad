import { wordlist } from '@scure/bip39/wordlists/english.js'
import { Secret } from '../../model/secret.ts'
import { decodeShare, encodeShare, invalidShare, type Share, SHARE_BYTES } from './share.ts'

const PREFIX = 'COFFRE-SHARE-'
/** Crockford's base 32: no I, L, O or U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DIGIT_BITS = 5
const WORD_BITS = 11
const GROUP = 6
const WORDS = (SHARE_BYTES * 8) / WORD_BITS
const DIGIT_COUNT = Math.ceil((SHARE_BYTES * 8) / DIGIT_BITS)
/** The word list's first four letters are unique, which is what people write down. */
const UNIQUE_LETTERS = 4
const WORD_INDEX: ReadonlyMap<string, number> = new Map(
  wordlist.map((word, index) => [word.slice(0, UNIQUE_LETTERS), index]),
)
const MISREAD: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' }

/** `COFFRE-SHARE-041YTK-…`: capitals, digits and dashes, which a QR code holds densely. */
export function formatShare(share: Share): Secret {
  const digits = regroup(encodeShare(share), 8, DIGIT_BITS).map((digit) => DIGITS.charAt(digit))
  const groups: string[] = []
  for (let at = 0; at < digits.length; at += GROUP) groups.push(digits.slice(at, at + GROUP).join(''))
  return new Secret(PREFIX + groups.join('-'))
}

/** 32 words of the English BIP-39 list. */
export function formatShareWords(share: Share): Secret {
  const indexes = regroup(encodeShare(share), 8, WORD_BITS)
  return new Secret(indexes.map((index) => wordlist[index] ?? '').join(' '))
}

/** Either form, in any case and spacing. Throws SHARE_INVALID; the place of a mistake, never its text. */
export function parseShare(text: Secret): Share {
  const upper = text.reveal().trim().toUpperCase()
  return decodeShare(upper.startsWith(PREFIX) ? readDigits(upper) : readWords(upper))
}

function readDigits(upper: string): Uint8Array {
  const text = upper.slice(PREFIX.length).replaceAll(/[\s-]/g, '')
  if (text.length !== DIGIT_COUNT) throw invalidShare({ reason: 'length', expected: DIGIT_COUNT })
  const digits = Array.from(text, (letter, index) => {
    const digit = DIGITS.indexOf(MISREAD[letter] ?? letter)
    if (digit < 0) throw invalidShare({ reason: 'character', position: index + 1 })
    return digit
  })
  return toShareBytes(regroup(digits, DIGIT_BITS, 8))
}

function readWords(upper: string): Uint8Array {
  // Numbers before words are how a sheet counts them.
  const words = upper
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
  if (words.length !== WORDS) throw invalidShare({ reason: 'words', given: words.length, expected: WORDS })
  const indexes = words.map((word, at) => {
    const index = WORD_INDEX.get(word.slice(0, UNIQUE_LETTERS))
    const known = index === undefined ? undefined : wordlist[index]
    if (index === undefined || known === undefined || !known.startsWith(word)) {
      throw invalidShare({ reason: 'word', position: at + 1 })
    }
    return index
  })
  return toShareBytes(regroup(indexes, WORD_BITS, 8))
}

/** What is beyond the last byte must be zero, so that one share has one spelling. */
function toShareBytes(bytes: readonly number[]): Uint8Array {
  if (bytes.slice(SHARE_BYTES).some((rest) => rest !== 0)) throw invalidShare({ reason: 'checksum' })
  return Uint8Array.from(bytes.slice(0, SHARE_BYTES))
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
