import { CoffreError } from '../model/errors.ts'
import { freeNow } from '../model/free-bytes.ts'
import { ChunkCutter } from './chunk-cutter.ts'
import {
  CHUNK_BYTES,
  type ChunkedInput,
  decryptionFailed,
  HEADER_BYTES,
  type MessageKeys,
  refuseLongContext,
  resumeMessage,
  SEALED_CHUNK_BYTES,
  startMessage,
  TAG_BYTES,
} from './chunked-message.ts'

const NOTHING = new Uint8Array(0)

/**
 * A message that comes in pieces of any size. Each `update` must be iterated to its end before the next call;
 * what it yields belongs to the caller. After an error every call throws that error again.
 */
export interface PieceTransform {
  update(piece: Uint8Array): Generator<Uint8Array, void, undefined>
  /** The last bytes. Nothing may follow. */
  finish(): Uint8Array
  /** Forgets what is held back; for a stream that is given up. */
  discard(): void
}

/** Encrypts. Holds back less than one chunk. */
export class ChunkSealer implements PieceTransform {
  readonly #keys: MessageKeys
  readonly #cutter = new ChunkCutter(CHUNK_BYTES)
  readonly #life = new Life()
  #header: Uint8Array
  #index = 0

  constructor(input: ChunkedInput) {
    const { keys, header } = startMessage(input)
    this.#keys = keys
    this.#header = header
  }

  *update(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.#life.check()
    try {
      const plaintext = toPiece(piece)
      const header = this.#takeHeader()
      if (header.length > 0) yield header
      yield* this.#cutter.convert(plaintext, SEALED_CHUNK_BYTES, this.#sealInto)
    } catch (error) {
      throw this.#life.fail(error)
    }
  }

  finish(): Uint8Array {
    this.#life.end()
    const header = this.#takeHeader()
    const chunk = this.#cutter.rest()
    const output = new Uint8Array(header.length + chunk.length + TAG_BYTES)
    output.set(header)
    this.#sealInto(chunk, output, header.length)
    this.discard()
    return output
  }

  discard(): void {
    this.#cutter.wipe()
  }

  #takeHeader(): Uint8Array {
    const header = this.#header
    this.#header = NOTHING
    return header
  }

  readonly #sealInto = (chunk: Uint8Array, target: Uint8Array, offset: number): void => {
    this.#keys.sealInto(this.#index, chunk, target, offset)
    this.#index += 1
  }
}

/** Decrypts. Yields a chunk only after its tag is verified; a message is complete only after `finish`. */
export class ChunkOpener implements PieceTransform {
  readonly #input: ChunkedInput
  readonly #header = new ChunkCutter(HEADER_BYTES)
  readonly #cutter = new ChunkCutter(SEALED_CHUNK_BYTES)
  readonly #life = new Life()
  #keys: MessageKeys | undefined
  #index = 0

  constructor(input: ChunkedInput) {
    if (input.key.length !== input.aead.keyBytes) throw decryptionFailed('key-length')
    refuseLongContext(input.context)
    this.#input = { ...input, context: Uint8Array.from(input.context) }
  }

  *update(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.#life.check()
    try {
      const body = this.#readHeader(toPiece(piece))
      yield* this.#cutter.convert(body, CHUNK_BYTES, this.#openInto)
    } catch (error) {
      throw this.#life.fail(error)
    }
  }

  finish(): Uint8Array {
    this.#life.end()
    const sealed = this.#cutter.rest()
    try {
      if (this.#keys === undefined || sealed.length < TAG_BYTES) throw decryptionFailed('truncated')
      return this.#keys.open(this.#index, sealed)
    } catch (error) {
      throw this.#life.fail(error)
    } finally {
      this.discard()
    }
  }

  /** How many chunks were genuine: the number of the first that was not. */
  get opened(): number {
    return this.#index
  }

  discard(): void {
    this.#cutter.wipe()
  }

  /** What follows the header in `piece`. */
  #readHeader(piece: Uint8Array): Uint8Array {
    if (this.#keys !== undefined) return piece
    const taken = this.#header.fill(piece)
    if (this.#header.rest().length < HEADER_BYTES) return NOTHING
    this.#keys = resumeMessage(this.#input, this.#header.rest())
    return piece.subarray(taken)
  }

  readonly #openInto = (sealed: Uint8Array, target: Uint8Array, offset: number): void => {
    if (this.#keys === undefined) throw new Error('unreachable: chunks come after the header')
    const chunk = this.#keys.open(this.#index, sealed)
    target.set(chunk, offset)
    freeNow(chunk)
    this.#index += 1
  }
}

/** Whether a message still takes bytes. A failure is for ever. */
class Life {
  #failure: { readonly error: unknown } | undefined
  #ended = false

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#ended) throw new Error('unreachable: the message has ended')
  }

  end(): void {
    this.check()
    this.#ended = true
  }

  /** Remembers the error and answers it, to be thrown. */
  fail(error: unknown): unknown {
    this.#failure = { error }
    return error
  }
}

function toPiece(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'piece', expected: 'a Uint8Array' } })
}
