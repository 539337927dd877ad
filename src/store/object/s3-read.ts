import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { ObjectFacts, ReadOptions } from '../object-store.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { asked, isStatus, S3Failure, toCoffreError } from './s3-errors.ts'

/** Lines that are cut one after the other, without a byte in between. */
const MAX_CUTS = 5

/** The bytes of exactly this version. A connection that is cut is taken up again where it ended. */
export async function* readObject(
  bucket: S3Bucket,
  { name, bytes, version }: ObjectFacts,
  { offset = 0, length = bytes, signal }: ReadOptions,
): AsyncGenerator<Uint8Array> {
  const end = Math.min(bytes, offset + length)
  let at = offset
  for (let cuts = 0; at < end; cuts += 1) {
    const start = at
    try {
      for await (const chunk of openRange(bucket, { name, version, from: at, end }, signal)) {
        at += chunk.length
        yield chunk
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (isStatus(error, 404, 412)) throw bucket.error('OBJECT_CHANGED', name)
      const isCut = error instanceof S3Failure && error.status === 0
      if (!isCut || (at === start && cuts >= MAX_CUTS)) throw toCoffreError(error, bucket.facts(name))
    }
    if (at > start) cuts = 0
    else if (cuts >= MAX_CUTS) throw bucket.error('OBJECT_STORE_UNAVAILABLE', name)
  }
}

interface Range {
  readonly name: string
  readonly version: string
  readonly from: number
  readonly end: number
}

async function* openRange(
  bucket: S3Bucket,
  { name, version, from, end }: Range,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const command = new GetObjectCommand({
    ...bucket.target(name),
    IfMatch: `"${version}"`,
    Range: `bytes=${from}-${end - 1}`,
  })
  const options = signal === undefined ? {} : { abortSignal: signal }
  const { Body, ETag } = await asked(() => bucket.client.send(command, options))
  if (!isBody(Body)) return
  try {
    // Some servers take no If-Match.
    if (ETag?.replaceAll('"', '') !== version) throw bucket.error('OBJECT_CHANGED', name)
    let left = end - from
    const chunks = Body[Symbol.asyncIterator]()
    while (left > 0) {
      const next = await asked(() => chunks.next())
      if (next.done === true) return
      const chunk = next.value.subarray(0, left)
      left -= chunk.length
      yield chunk
    }
  } finally {
    Body.destroy()
  }
}

interface Body extends AsyncIterable<Uint8Array> {
  destroy(): void
}

function isBody(body: unknown): body is Body {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && 'destroy' in body
}
