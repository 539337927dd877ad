import { decryptFileBody, decryptFileRange, encryptFileBody } from '../../crypto/file-body.ts'
import { encodeFileHeader, type FileHeader, readFileHeader } from '../../crypto/file-header.ts'
import type { Coffre, ContextPairs } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { planRange, readRangeParts } from '../../model/file-layout.ts'
import type {
  ByteStream,
  DecryptPartsRequest,
  DecryptRangeRequest,
  RangeSource,
} from '../../model/streams.ts'
import { pullStream } from '../../model/pull-stream.ts'

export interface EncryptFileOptions {
  readonly key: string
  readonly context?: ContextPairs
}

export interface DecryptFileOptions {
  readonly context?: ContextPairs
}

/** What encrypting and decrypting a file asks of a Coffre, near or far. */
export type DataKeyMaker = Pick<Coffre, 'generateDataKey'>
export type DataKeyOpener = Pick<Coffre, 'decrypt'>

/**
 * Encrypts a stream of any length under a data key of `options.key`, in constant memory (docs/spec/file.md).
 * The Coffre, near or far, sees only the data key.
 */
export async function encryptFile(
  coffre: DataKeyMaker,
  source: ByteStream,
  options: EncryptFileOptions,
): Promise<ByteStream> {
  const dataKey = await coffre.generateDataKey(options)
  const header = encodeFileHeader(dataKey.ciphertext)
  // Fernet and wrap keys give data keys too, but not under a header that binds a context.
  if (header === undefined || dataKey.plaintext === undefined) {
    throw new CoffreError('PURPOSE_MISMATCH', { facts: { expected: 'encrypt, with a Coffre ciphertext' } })
  }
  const body = source.pipeThrough(encryptFileBody(dataKey.plaintext, header))
  return startWith(header.bytes, body.getReader())
}

/** The reverse. Rejects, or the stream fails, with DECRYPTION_FAILED; nothing unverified is given out. */
export function decryptFile(
  coffre: DataKeyOpener,
  source: ByteStream,
  options: DecryptFileOptions = {},
): Promise<ByteStream> {
  return openFile(coffre, source, { options, decryptBody: decryptFileBody })
}

/** Decrypts what `readRangeParts` reads of a file of `range.size` bytes. */
export function decryptFileParts(
  coffre: DataKeyOpener,
  parts: ByteStream,
  range: DecryptPartsRequest,
): Promise<ByteStream> {
  return openFile(coffre, parts, {
    options: range.context === undefined ? {} : { context: range.context },
    decryptBody: (dataKey, header) =>
      decryptFileRange(dataKey, header, planRange(range.size - header.bytes.length, range)),
  })
}

/** Decrypts a part of a file that lies here; the Coffre, near or far, sees only the data key. */
export async function decryptRangeOfFile(
  coffre: DataKeyOpener,
  source: RangeSource,
  request: DecryptRangeRequest,
): Promise<ByteStream> {
  const parts = ReadableStream.from(readRangeParts(source, request))
  return decryptFileParts(coffre, parts, { ...request, size: source.size })
}

const DATA_KEY_BYTES = 32

interface Opening {
  readonly options: DecryptFileOptions
  decryptBody(dataKey: Uint8Array, header: FileHeader): TransformStream<Uint8Array, Uint8Array>
}

async function openFile(coffre: DataKeyOpener, source: ByteStream, opening: Opening): Promise<ByteStream> {
  const reader = source.getReader()
  try {
    const { header, rest } = await readHeaderOf(reader)
    const { plaintext } = await coffre.decrypt({
      ciphertext: header.dataKeyCiphertext,
      ...opening.options,
    })
    if (plaintext.length !== DATA_KEY_BYTES) throw new CoffreError('DECRYPTION_FAILED')
    return rest.pipeThrough(opening.decryptBody(plaintext, header))
  } catch (error) {
    // Otherwise a file behind it would stay open and locked.
    await reader.cancel(error).catch(() => undefined)
    throw error
  }
}

async function readHeaderOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<{ readonly header: FileHeader; readonly rest: ByteStream }> {
  let head = new Uint8Array(0)
  for (;;) {
    const read = readFileHeader(head)
    if (read === undefined) throw new CoffreError('DECRYPTION_FAILED')
    if ('bytes' in read) {
      return { header: read, rest: startWith(head.subarray(read.bytes.length), reader) }
    }
    const next = await reader.read()
    if (next.done) throw new CoffreError('DECRYPTION_FAILED')
    head = Buffer.concat([head, next.value])
  }
}

function startWith(first: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>): ByteStream {
  let held: Uint8Array | undefined = first.length === 0 ? undefined : first
  return pullStream({
    pull: async () => {
      const piece = held
      held = undefined
      return piece ?? (await reader.read()).value
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
