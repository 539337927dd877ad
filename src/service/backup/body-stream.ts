import { openBackupBody, sealBackupBody } from '../../crypto/backup-body.ts'
import type { PieceTransform } from '../../crypto/chunked-pieces.ts'
import { Sha256 } from '../../crypto/digest.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { BackupCompression, BackupHeader, BackupRecord } from '../../model/backup.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { freeNow } from '../../model/free-bytes.ts'
import { compress, decompress } from './compression.ts'
import { idBytes } from './manifest.ts'

export interface BodySubject {
  readonly key: KeyMaterial
  readonly header: BackupHeader
  readonly headerLine: string
}

/** Told of every piece: bytes so far. */
type OnBytes = (bytes: number) => void

/** Counts and digests of a body, known when its stream has ended. */
export interface BodyTotals extends Omit<BackupRecord, 'counts'> {
  readonly bodyBytes: number
  readonly bodySha256: string
}

/** Reads, compresses and encrypts, in constant memory. `totals` is for when the stream has ended by itself. */
export class BodySealing {
  readonly #subject: BodySubject
  readonly #plain = new Tally()
  readonly #body = new Tally()
  #storedBytes = 0

  constructor(subject: BodySubject) {
    this.#subject = subject
  }

  async *stream(
    source: AsyncIterable<Uint8Array>,
    onBytes: OnBytes,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { key, header, headerLine } = this.#subject
    const sealing = sealBackupBody(key, { id: idBytes(header.id), header: headerLine })
    const compressed = compress(this.#plain.count(source, onBytes), header.compression)
    for await (const piece of this.#body.count(transform(this.#countStored(compressed), sealing))) {
      yield piece
      freeNow(piece)
    }
  }

  totals(): BodyTotals {
    return {
      plainBytes: this.#plain.bytes,
      plainSha256: this.#plain.sha256.hex(),
      storedBytes: this.#storedBytes,
      bodyBytes: this.#body.bytes,
      bodySha256: this.#body.sha256.hex(),
    }
  }

  async *#countStored(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      this.#storedBytes += piece.length
      yield piece
      freeNow(piece)
    }
  }
}

/** What was stored, still compressed: whatever is genuine of it, chunk by chunk. Throws BACKUP_DAMAGED. */
export async function* openStored(
  body: AsyncIterable<Uint8Array>,
  { key, header, headerLine }: BodySubject,
): AsyncGenerator<Uint8Array, void, undefined> {
  const opening = openBackupBody(key, { id: idBytes(header.id), header: headerLine })
  try {
    yield* transform(body, opening)
  } catch (cause) {
    if (!hasCode(cause, 'DECRYPTION_FAILED')) throw cause
    throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'body', chunk: opening.opened }, cause })
  }
}

/**
 * The plaintext, chunk by chunk as it is verified; that it was whole is known at the end. Throws BACKUP_DAMAGED, as soon as
 * there is more than the record says. `isLent`: a piece is good until the next is asked for.
 */
export async function* openPlain(
  body: AsyncIterable<Uint8Array>,
  subject: BodySubject,
  { record, isLent = false }: { readonly record: BackupRecord; readonly isLent?: boolean },
): AsyncGenerator<Uint8Array, void, undefined> {
  const sha256 = new Sha256()
  let bytes = 0
  for await (const piece of unpack(openStored(body, subject), subject.header.compression)) {
    bytes += piece.length
    if (bytes > record.plainBytes) throw unlike('length')
    sha256.update(piece)
    yield piece
    if (isLent) freeNow(piece)
  }
  if (bytes !== record.plainBytes) throw unlike('length')
  if (sha256.hex() !== record.plainSha256) throw unlike('sha256')
}

function unpack(stored: AsyncIterable<Uint8Array>, how: BackupCompression): AsyncIterable<Uint8Array> {
  return how === 'none' ? stored : decompress(lend(stored), how)
}

async function* lend(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    yield piece
    freeNow(piece)
  }
}

function unlike(reason: 'length' | 'sha256'): CoffreError {
  return new CoffreError('BACKUP_DAMAGED', { facts: { at: 'content', reason } })
}

async function* transform(
  pieces: AsyncIterable<Uint8Array>,
  transforming: PieceTransform,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of pieces) yield* transforming.update(piece)
    const last = transforming.finish()
    if (last.length > 0) yield last
  } finally {
    transforming.discard()
  }
}

class Tally {
  readonly sha256 = new Sha256()
  bytes = 0

  async *count(
    pieces: AsyncIterable<Uint8Array>,
    onBytes?: OnBytes,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      this.bytes += piece.length
      this.sha256.update(piece)
      onBytes?.(this.bytes)
      yield piece
    }
  }
}
