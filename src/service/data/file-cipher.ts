import { decryptFileBody, encryptFileBody } from '../../crypto/file-body.ts'
import { encodeFileHeader, type FileHeader, readFileHeader } from '../../crypto/file-header.ts'
import type { Coffre, ContextPairs } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'

export interface EncryptFileOptions {
  readonly key: string
  readonly context?: ContextPairs
}

export interface DecryptFileOptions {
  readonly context?: ContextPairs
}

type Bytes = ReadableStream<Uint8Array>

/**
 * Encrypts a stream of any length under a data key of `options.key`, in constant memory (docs/spec/file.md).
 * The Coffre, near or far, sees only the data key.
 */
export async function encryptFile(
  coffre: Coffre,
  source: Bytes,
  options: EncryptFileOptions,
): Promise<Bytes> {
  const dataKey = await coffre.generateDataKey(options)
  const header = encodeFileHeader(dataKey.ciphertext)
  // Fernet and wrap keys give data keys too, but not under a header that binds a context.
  if (header === undefined || dataKey.plaintext === undefined) {
    throw new CoffreError('PURPOSE_MISMATCH', { facts: { expected: 'encrypt, with a Coffre ciphertext' } })
  }
  const body = source.pipeThrough(encryptFileBody(dataKey.plaintext, header))
  return ReadableStream.from(startWith(header.bytes, body))
}

/** The reverse. Rejects, or the stream fails, with DECRYPTION_FAILED; nothing unverified is given out. */
export async function decryptFile(
  coffre: Coffre,
  source: Bytes,
  options: DecryptFileOptions = {},
): Promise<Bytes> {
  const reader = source.getReader()
  try {
    const { header, rest } = await readHeaderOf(reader)
    const { plaintext } = await coffre.decrypt({ ciphertext: header.dataKeyCiphertext, ...options })
    if (plaintext.length !== DATA_KEY_BYTES) throw new CoffreError('DECRYPTION_FAILED')
    return rest.pipeThrough(decryptFileBody(plaintext, header))
  } catch (error) {
    // Otherwise a file behind it would stay open and locked.
    await reader.cancel(error).catch(() => undefined)
    throw error
  }
}

const DATA_KEY_BYTES = 32

async function readHeaderOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<{ readonly header: FileHeader; readonly rest: Bytes }> {
  let head = new Uint8Array(0)
  for (;;) {
    const read = readFileHeader(head)
    if (read === undefined) throw new CoffreError('DECRYPTION_FAILED')
    if ('bytes' in read) {
      return {
        header: read,
        rest: ReadableStream.from(continueWith(head.subarray(read.bytes.length), reader)),
      }
    }
    const next = await reader.read()
    if (next.done) throw new CoffreError('DECRYPTION_FAILED')
    head = Buffer.concat([head, next.value])
  }
}

async function* startWith(first: Uint8Array, rest: Bytes): AsyncGenerator<Uint8Array> {
  yield first
  yield* rest
}

async function* continueWith(
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}
