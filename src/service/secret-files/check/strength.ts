import { isPublished } from '../../../crypto/published-keys.ts'
import { MIN_KEY_CHARACTERS } from '../secret-key.ts'
import { findWords, undisguise } from './words.ts'

/** A random key of 32 hexadecimal digits has about 115 by this measure. */
const MIN_BITS = 90
/** What a known word, a year or a run adds at most: a list of 16,384 of them. */
const TOKEN_BITS = 14
const MIN_SHARE = 0.3
const MIN_RUN = 6
const MIN_REPEAT = 6
const MIN_NAME_CHARACTERS = 4
const YEAR = /(?<![A-Za-z0-9])(?:19|20)\d\d(?![A-Za-z0-9])/g
const PLACEHOLDER =
  /change.{0,2}me|change.{0,2}this|change.{0,2}moi|placeholder|example|exemple|insecure|your.(?:secret|key|own|\d)|votre.(?:cle|secret)|replace.{0,2}(?:me|this|with)|insert.{0,3}(?:key|here|your)|todo.(?:set|change)|secret.?key|^x{4,}|^<.+>$/i
const ROWS = [
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
  'qwertzuiop',
  'yxcvbnm',
  '1234567890',
  'abcdefghijklmnopqrstuvwxyz',
]

export const WEAKNESSES = [
  'too-short',
  'low-entropy',
  'published',
  'placeholder',
  'dictionary',
  'project-name',
  'year',
  'keyboard',
  'repetition',
] as const

export type Weakness = (typeof WEAKNESSES)[number]

export interface Strength {
  readonly characters: number
  /** An upper bound that counts words, years and runs as what they are. */
  readonly bits: number
  readonly weaknesses: readonly Weakness[]
}

export interface StrengthInput {
  /** Names that somebody who knows the project would try. */
  readonly projectNames: readonly string[]
  readonly words: ReadonlySet<string>
}

interface Span {
  readonly from: number
  readonly length: number
}

export function judgeStrength(key: string, input: StrengthInput): Strength {
  const structures = findStructures(key, input)
  const bits = Math.floor(estimateBits(key, Object.values(structures).flat()))
  const found: readonly [Weakness, boolean][] = [
    ['published', isPublished(key)],
    ['too-short', key.length < MIN_KEY_CHARACTERS],
    ['low-entropy', bits < MIN_BITS],
    ['placeholder', PLACEHOLDER.test(key)],
    ['dictionary', structures.words.length > 0],
    ['project-name', structures.names.length > 0],
    ['year', structures.years.length > 0],
    ['keyboard', structures.runs.length > 0],
    ['repetition', structures.repeats.length > 0],
  ]
  const weaknesses = found.flatMap(([weakness, holds]) => (holds ? [weakness] : []))
  return { characters: key.length, bits, weaknesses }
}

/** Words and repeats count where they make up a part of the key: a few characters of them are there by chance. */
function findStructures(key: string, { projectNames, words }: StrengthInput) {
  const names = projectNames.filter(({ length }) => length >= MIN_NAME_CHARACTERS)
  return {
    words: whereLarge(key, findWords(key, words)),
    names: names.flatMap((name) => findAll(key, name)),
    years: findYears(key),
    runs: findRuns(key),
    repeats: whereLarge(key, findRepeats(key)),
  }
}

function whereLarge(key: string, spans: readonly Span[]): readonly Span[] {
  const covered = spans.reduce((sum, { length }) => sum + length, 0)
  return covered >= key.length * MIN_SHARE ? spans : []
}

/** Characters outside of every structure by how often each occurs, and a few bits for each structure. */
function estimateBits(key: string, structures: readonly Span[]): number {
  const isFree = Array.from(key, () => true)
  let [pieces, end] = [0, 0]
  for (const { from, length } of structures.toSorted((one, other) => one.from - other.from)) {
    isFree.fill(false, from, from + length)
    if (from >= end) pieces += 1
    end = Math.max(end, from + length)
  }
  const rest = Array.from(key).filter((_, at) => isFree[at])
  return rest.length * perCharacter(rest) + pieces * TOKEN_BITS
}

/** Shannon's entropy of the characters that are there. */
function perCharacter(characters: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values())
    bits -= (count / characters.length) * Math.log2(count / characters.length)
  return bits
}

function findAll(key: string, name: string): readonly Span[] {
  const at = undisguise(key).indexOf(undisguise(name))
  return at < 0 ? [] : [{ from: at, length: name.length }]
}

function findYears(key: string): readonly Span[] {
  return [...key.matchAll(YEAR)].map(({ index }) => ({ from: index, length: 4 }))
}

/** Neighbours on a keyboard or in the alphabet, in both directions. */
function findRuns(key: string): readonly Span[] {
  const lower = key.toLowerCase()
  const rows = ROWS.flatMap((row) => [row, Array.from(row).toReversed().join('')])
  const spans: Span[] = []
  for (let from = 0; from + MIN_RUN <= lower.length; ) {
    let length = 0
    for (let next = MIN_RUN; from + next <= lower.length; next += 1) {
      if (!rows.some((row) => row.includes(lower.slice(from, from + next)))) break
      length = next
    }
    if (length > 0) spans.push({ from, length })
    from += Math.max(length, 1)
  }
  return spans
}

/** Pieces that were there before. */
function findRepeats(key: string): readonly Span[] {
  const spans: Span[] = []
  for (let from = 1; from + MIN_REPEAT <= key.length; ) {
    let length = 0
    while (
      from + length < key.length &&
      key.slice(0, from + length).includes(key.slice(from, from + length + 1))
    )
      length += 1
    if (length >= MIN_REPEAT) spans.push({ from, length })
    from += length >= MIN_REPEAT ? length : 1
  }
  return spans
}
