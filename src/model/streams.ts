/** Bytes of any length, pulled as they are wanted. Web Streams, so that every runtime has them. */
export type ByteStream = ReadableStream<Uint8Array>

/** A file that can be read anywhere: on a disk, in an object store, in memory. */
export interface RangeSource {
  /** Bytes of the whole file. */
  readonly size: number
  /** Exactly `length` bytes from `offset`; both stay within `size`. */
  readAt(offset: number, length: number): Promise<Uint8Array>
}

export interface EncryptStreamRequest {
  readonly key: string
  readonly context?: Readonly<Record<string, string>>
}

export interface DecryptStreamRequest {
  readonly context?: Readonly<Record<string, string>>
}

/** Bytes of the plaintext. */
export interface DecryptRangeRequest extends DecryptStreamRequest {
  readonly offset: number
  /** Absent: to the end. What lies beyond the end is not there, so fewer bytes may come. */
  readonly length?: number
}

/** Parts of a file, as `decryptRange` would read them (docs/spec/file.md, "A part of a file"). */
export interface DecryptPartsRequest extends DecryptRangeRequest {
  /** Bytes of the whole file. */
  readonly size: number
}

/**
 * Data of any length in constant memory; the bytes are docs/spec/file.md. What comes out was verified, chunk by
 * chunk, but only a stream that ends without an error was complete. Whoever stops reading stops the source.
 */
export interface Streams {
  encryptStream(source: ByteStream, request: EncryptStreamRequest): Promise<ByteStream>
  /** Fails with DECRYPTION_FAILED at the first chunk that is not genuine, and at an end that came too early. */
  decryptStream(source: ByteStream, request?: DecryptStreamRequest): Promise<ByteStream>
  /** Reads the chunks that hold the range, the header and the final chunk, and nothing else. */
  decryptRange(source: RangeSource, request: DecryptRangeRequest): Promise<ByteStream>
  /** The same for who has read the parts already. */
  decryptParts(parts: ByteStream, request: DecryptPartsRequest): Promise<ByteStream>
}
