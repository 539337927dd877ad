import { isSecretWord } from '../../seal/shamir/secret-text.ts'
import { readingsOf } from '../../seal/key-readings.ts'
import type { NamedSecret } from './named-secret.ts'

/**
 * What gives a backup away to whoever reads its target. `known`: a secret of ours, in any spelling; `setting`: a variable
 * with a secret in it; `clear-copy`: no key, but a database that nobody encrypted.
 */
export const PLANTED_KINDS = [
  'known',
  'paper-key',
  'words',
  'bare-key',
  'private-key',
  'age-key',
  'setting',
  'clear-copy',
] as const

export interface Planted {
  readonly kind: (typeof PLANTED_KINDS)[number]
  /** Of the secret or the variable; never its value. */
  readonly name?: string
}

/** Byte strings to look for, with the name of their secret. */
export type Needles = readonly { readonly name: string; readonly bytes: Buffer }[]

/** Shorter ones stand in any text by chance. */
const MIN_NEEDLE_BYTES = 12
/** Fewer words of the list in a row are a sentence; a key has 27, a share 32, other programs' keys 24. */
const MIN_WORDS = 24
const MAX_BARE_BYTES = 100
const RAW_KEY_BYTES = 32
const BARE = /^(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=|[A-Za-z0-9_-]{43})$/
const PRINTABLE = /^[\t\r\n\x20-\x7e]*$/
const SECRET_SETTINGS = [
  'BACKUP_ENCRYPTION_KEY(?:_PREVIOUS)?',
  'FERNET_SECRET_KEY',
  '(?:AWS|COFFRE_S3)_SECRET_ACCESS_KEY',
  'SECRET_KEY',
  'COFFRE_(?:SEAL_KEY|PASSPHRASE|BACKUP_PASSPHRASE|SECRET_PASSPHRASE|TOKEN)',
  'PGPASSWORD',
]
/** As in env files, shell scripts, JSON, YAML and TOML; what begins with `$` names another variable. */
const SETTING = new RegExp(
  String.raw`(?<![A-Za-z0-9_])(?<name>${SECRET_SETTINGS.join('|')})["']?[ \t]*[:=][ \t]*["']?[^\s"'$][^"'\r\n]{7}`,
)

const SHAPES: readonly { readonly kind: Planted['kind']; readonly pattern: RegExp }[] = [
  { kind: 'paper-key', pattern: /COFFRE-(?:RECOVERY|SEAL-KEY|SHARE)-[0-9A-Z](?:[\s-]{0,4}[0-9A-Z]){50}/i },
  { kind: 'private-key', pattern: /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----/ },
  { kind: 'age-key', pattern: /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50}/i },
  { kind: 'clear-copy', pattern: /^PGDMP|^SQLite format 3|^-- PostgreSQL database|^-- MySQL dump/m },
]

/** Every spelling of each secret: as it is, raw, hex, base64, base64url. */
export function needlesOf(secrets: readonly NamedSecret[]): Needles {
  return secrets.flatMap(({ name, value }) =>
    readingsOf(value)
      .filter(({ length }) => length >= MIN_NEEDLE_BYTES)
      .flatMap(spell)
      .map((bytes) => ({ name, bytes })),
  )
}

/** Of the first bytes of one object, all of it where `isWhole`. Each kind and name once. */
export function findKeys(bytes: Buffer, needles: Needles, isWhole: boolean): readonly Planted[] {
  // UTF-16 of these letters is a zero byte beside each.
  const text = bytes.toString('latin1').replaceAll('\0', '')
  const setting = SETTING.exec(text)?.groups?.['name']
  const known = new Set(needles.filter((needle) => bytes.includes(needle.bytes)).map(({ name }) => name))
  const shapes = SHAPES.filter(({ pattern }) => pattern.test(text)).map(({ kind }) => ({ kind }))
  return [
    ...[...known].map((name) => ({ kind: 'known' as const, name })),
    ...shapes,
    ...(setting === undefined ? [] : [{ kind: 'setting' as const, name: setting }]),
    ...(isWhole && isBareKey(bytes) ? [{ kind: 'bare-key' as const }] : []),
    ...(hasWords(text) ? [{ kind: 'words' as const }] : []),
  ]
}

function spell(bytes: Buffer): readonly Buffer[] {
  const hex = bytes.toString('hex')
  const texts = [
    hex,
    hex.toUpperCase(),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ]
  return [bytes, ...texts.map((text) => Buffer.from(text))]
}

/** The object is a key and nothing else. */
function isBareKey(bytes: Buffer): boolean {
  if (bytes.length > MAX_BARE_BYTES) return false
  const text = bytes.toString('latin1')
  return BARE.test(text.trim()) || (bytes.length === RAW_KEY_BYTES && !PRINTABLE.test(text))
}

/** Numbers, tags and line breaks may stand between the words of a sheet. */
function hasWords(text: string): boolean {
  let row = 0
  for (const [word] of text.replaceAll(/<[^<>]{0,200}>/g, ' ').matchAll(/[A-Za-z]+/g)) {
    row = isSecretWord(word) ? row + 1 : 0
    if (row === MIN_WORDS) return true
  }
  return false
}
