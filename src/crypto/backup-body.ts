import { CoffreError } from '../model/errors.ts'
import { concat, parseBase64url, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { CHUNKED_AES_256_GCM, decryptionFailed } from './chunked-message.ts'
import { ChunkOpener, ChunkSealer, type PieceTransform } from './chunked-pieces.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { randomKeyMaterial } from './random.ts'

/** docs/spec/backup.md: the body of a backup, and the record that only its key opens. */

const BACKUP_KEY_BYTES = 32
const MAGIC = Buffer.from('7287f505', 'hex')
const BACKUP_ID_BYTES = 16
/** Magic and id stand before the chunked message. */
export const BODY_PREFIX_BYTES = MAGIC.length + BACKUP_ID_BYTES
const BODY_LABEL = 'coffre backup body v1'
const RECORD_LABEL = 'coffre backup record v1'
const NOTHING = new Uint8Array(0)

/** What a body is bound to. */
export interface BodyBinding {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** Line 2 of the manifest. */
  readonly header: string
}

export function makeBackupKey(): KeyMaterial {
  return randomKeyMaterial(BACKUP_KEY_BYTES)
}

/** Takes what a slot gave over: its bytes are wiped. Throws DECRYPTION_FAILED unless they are 32. */
export function takeBackupKey(bytes: Uint8Array): KeyMaterial {
  if (bytes.length !== BACKUP_KEY_BYTES) throw decryptionFailed('key-length')
  const key = new KeyMaterial(bytes)
  bytes.fill(0)
  return key
}

/** To be encrypted under a managed key at once; the caller wipes them. */
export function copyBackupKey(key: KeyMaterial): Uint8Array {
  return Uint8Array.from(rawBytes(key))
}

/** Decrypts a body. */
export interface BodyOpener extends PieceTransform {
  /** How many chunks were genuine: the number of the first that was not. */
  readonly opened: number
}

/** Encrypts a body; it holds back less than one chunk. */
export function sealBackupBody(key: KeyMaterial, binding: BodyBinding): PieceTransform {
  return new PrefixedSealer(concat(MAGIC, binding.id), new ChunkSealer(inputOf(key, binding)))
}

/** The reverse: gives a chunk only when its tag is verified. Throws DECRYPTION_FAILED, for another backup's body too. */
export function openBackupBody(key: KeyMaterial, binding: BodyBinding): BodyOpener {
  return new PrefixedOpener(concat(MAGIC, binding.id), new ChunkOpener(inputOf(key, binding)))
}

/** Whether bytes begin as a body, and of which backup; nothing of it is proven. */
export function bodyIdOf(prefix: Uint8Array): Uint8Array | undefined {
  const isBody = prefix.length >= BODY_PREFIX_BYTES && MAGIC.equals(prefix.subarray(0, MAGIC.length))
  return isBody ? prefix.subarray(MAGIC.length, BODY_PREFIX_BYTES) : undefined
}

/** Line 4 of a manifest. */
export function sealBackupRecord(key: KeyMaterial, lines: RecordBinding, record: string): string {
  return Buffer.from(sealChunked(key, utf8(record), recordContext(lines))).toString('base64url')
}

/** Throws DECRYPTION_FAILED. */
export function openBackupRecord(key: KeyMaterial, lines: RecordBinding, sealed: string): string {
  const bytes = parseBase64url(sealed)
  if (bytes === undefined) throw new CoffreError('DECRYPTION_FAILED', { cause: 'base64url' })
  return Buffer.from(openChunked(key, bytes, recordContext(lines))).toString('utf8')
}

/** Lines 2 and 3 of the manifest. */
export interface RecordBinding {
  readonly header: string
  readonly body: string
}

function recordContext({ header, body }: RecordBinding): Uint8Array {
  return utf8(`${RECORD_LABEL}\0${header}\n${body}`)
}

function inputOf(key: KeyMaterial, { header }: BodyBinding) {
  return { aead: CHUNKED_AES_256_GCM, key, context: utf8(`${BODY_LABEL}\0${header}`) }
}

class PrefixedSealer implements PieceTransform {
  readonly #sealer: ChunkSealer
  #prefix: Uint8Array

  constructor(prefix: Uint8Array, sealer: ChunkSealer) {
    this.#prefix = prefix
    this.#sealer = sealer
  }

  *update(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    const prefix = this.#takePrefix()
    if (prefix.length > 0) yield prefix
    yield* this.#sealer.update(piece)
  }

  finish(): Uint8Array {
    const prefix = this.#takePrefix()
    return concat(prefix, this.#sealer.finish())
  }

  discard(): void {
    this.#sealer.discard()
  }

  #takePrefix(): Uint8Array {
    const prefix = this.#prefix
    this.#prefix = NOTHING
    return prefix
  }
}

class PrefixedOpener implements BodyOpener {
  readonly #opener: ChunkOpener
  #expected: Uint8Array

  constructor(prefix: Uint8Array, opener: ChunkOpener) {
    this.#expected = prefix
    this.#opener = opener
  }

  get opened(): number {
    return this.#opener.opened
  }

  *update(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    const taken = Math.min(piece.length, this.#expected.length)
    // Not secret: anybody may read it.
    if (!Buffer.from(piece.subarray(0, taken)).equals(this.#expected.subarray(0, taken))) {
      throw decryptionFailed('commitment')
    }
    this.#expected = this.#expected.subarray(taken)
    yield* this.#opener.update(piece.subarray(taken))
  }

  finish(): Uint8Array {
    if (this.#expected.length > 0) throw decryptionFailed('truncated')
    return this.#opener.finish()
  }

  discard(): void {
    this.#opener.discard()
  }
}
