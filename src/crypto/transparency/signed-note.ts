import { sign, verify } from 'node:crypto'
import { CoffreError } from '../../model/errors.ts'
import { MAX_NOTE_CHARACTERS } from '../../model/limits.ts'
import { concat, utf8 } from '../bytes.ts'
import { sha256 } from '../digest.ts'
import type { KeyMaterial } from '../key-material.ts'
import { exportPublicKey, privateKeyOf, publicKeyOf } from '../key-object.ts'
import { ed25519Signing } from '../signature.ts'

/** docs/spec/audit-checkpoint.md; c2sp.org/signed-note with Ed25519 alone. */

/** Sixteen is the least that a reader must take; witnesses may add some. */
const MAX_SIGNATURES = 64
const MAX_NAME_CHARACTERS = 256
const ED25519 = Uint8Array.of(1)
const KEY_HASH_BYTES = 4
const PUBLIC_KEY_BYTES = 32
/** SPKI (RFC 8410) is this and the 32 bytes of the key. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const SIGNATURE_LINE = /^— (?<name>[^\s+]+) (?<signature>[A-Za-z0-9+/]+={0,2})$/u
const VERIFIER_KEY = /^(?<name>[^\s+]+)\+(?<keyHash>[0-9a-f]{8})\+(?<key>[A-Za-z0-9+/]+={0,2})$/u
// oxlint-disable-next-line no-control-regex -- the rule of the format is about control characters.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/** The public half of a key that signs notes. */
export interface VerifierKey {
  readonly name: string
  /** Four bytes that tell keys of one name apart; they prove nothing. */
  readonly keyHash: Uint8Array
  /** 32 bytes, RFC 8032. */
  readonly publicKey: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  readonly keyHash: Uint8Array
  readonly signature: Uint8Array
}

export interface SignedNote {
  /** What is signed: its last newline belongs to it. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** `signed`: a known key has signed. `unknown`: none of them has. `forged`: a known key's signature is wrong. */
export type NoteVerdict = 'signed' | 'unknown' | 'forged'

/** The key of `name` with the public key in `spki` (DER). Throws RangeError where that is not Ed25519. */
export function verifierKeyOf(name: string, spki: Uint8Array): VerifierKey {
  const bytes = Buffer.from(spki)
  const isEd25519 = bytes.length === SPKI_PREFIX.length + PUBLIC_KEY_BYTES
  if (!isEd25519 || !bytes.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX)) {
    throw new RangeError('not an Ed25519 public key')
  }
  const publicKey = bytes.subarray(SPKI_PREFIX.length)
  return { name, keyHash: hashKey(name, publicKey), publicKey }
}

export function formatVerifierKey({ name, keyHash, publicKey }: VerifierKey): string {
  return `${name}+${hex(keyHash)}+${base64(concat(ED25519, publicKey))}`
}

/** `undefined` for what is no verifier key, or one whose key hash is not its own. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const { name = '', keyHash, key = '' } = VERIFIER_KEY.exec(text)?.groups ?? {}
  const bytes = parseBase64(key)
  if (bytes?.length !== 1 + PUBLIC_KEY_BYTES || bytes[0] !== ED25519[0]) return undefined
  const publicKey = bytes.subarray(1)
  const own = hashKey(name, publicKey)
  return name.length <= MAX_NAME_CHARACTERS && hex(own) === keyHash
    ? { name, keyHash: own, publicKey }
    : undefined
}

/** Signs texts, which end in a newline. It holds the key itself and goes on when `material` is wiped. */
export function noteSigner(material: KeyMaterial): (text: string, name: string) => string {
  const privateKey = privateKeyOf(material)
  const publicKey = publicKeyOf(material)
  const spki = exportPublicKey(material)
  return (text, name) => {
    const { keyHash } = verifierKeyOf(name, spki)
    const signature = sign(null, utf8(text), privateKey)
    // As in signature.ts: none leaves unchecked.
    if (!verify(null, utf8(text), publicKey, signature)) {
      throw new CoffreError('INTERNAL', { facts: { check: 'signature-before-release' } })
    }
    return formatNote(text, { name, keyHash }, signature)
  }
}

/** `signature`: Ed25519 of `text`, which ends in a newline. */
export function formatNote(
  text: string,
  { name, keyHash }: Pick<VerifierKey, 'name' | 'keyHash'>,
  signature: Uint8Array,
): string {
  return `${text}\n— ${name} ${base64(concat(keyHash, signature))}\n`
}

/** `undefined` for what is no signed note. It proves nothing yet. */
export function parseNote(note: string): SignedNote | undefined {
  if (note.length > MAX_NOTE_CHARACTERS || CONTROL.test(note) || !note.isWellFormed()) return undefined
  const at = note.lastIndexOf('\n\n')
  if (at < 0 || !note.endsWith('\n')) return undefined
  const lines = note.slice(at + 2, -1).split('\n')
  const signatures = lines.length > MAX_SIGNATURES ? [] : lines.map(parseSignature)
  if (!signatures.every((signature) => signature !== undefined) || signatures.length === 0) return undefined
  return { text: note.slice(0, at + 1), signatures }
}

/** A forged signature outweighs a good one; signatures of unknown keys count for nothing. */
export function judgeNote(note: SignedNote, keys: readonly VerifierKey[]): NoteVerdict {
  let verdict: NoteVerdict = 'unknown'
  for (const signature of note.signatures) {
    const known = keys.filter(
      (key) => key.name === signature.name && hex(key.keyHash) === hex(signature.keyHash),
    )
    if (known.length === 0) continue
    if (!known.some((key) => isSignedBy(key, note.text, signature.signature))) return 'forged'
    verdict = 'signed'
  }
  return verdict
}

function isSignedBy(key: VerifierKey, text: string, signature: Uint8Array): boolean {
  return ed25519Signing.verifyWithPublicKey(concat(SPKI_PREFIX, key.publicKey), utf8(text), signature)
}

function parseSignature(line: string): NoteSignature | undefined {
  const { name, signature = '' } = SIGNATURE_LINE.exec(line)?.groups ?? {}
  const bytes = parseBase64(signature)
  if (name === undefined || bytes === undefined || bytes.length <= KEY_HASH_BYTES) return undefined
  return { name, keyHash: bytes.subarray(0, KEY_HASH_BYTES), signature: bytes.subarray(KEY_HASH_BYTES) }
}

function hashKey(name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concat(utf8(`${name}\n`), ED25519, publicKey)).subarray(0, KEY_HASH_BYTES)
}

/** Canonical only (RFC 4648, section 4), so that no two texts are one value. */
export function parseBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
