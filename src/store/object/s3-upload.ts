import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { CoffreError } from '../../model/errors.ts'
import { MAX_PARTS } from './part-size.ts'
import type { Part } from './parts.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { asked } from './s3-errors.ts'

/** Metadata by which a writer knows its own object again. */
const WRITE_ID = 'coffre-write'
const MAX_PARTS_IN_FLIGHT = 3
/** Beyond one part, what is on its way at once: with the part being filled it bounds memory. */
const MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024

/** `IfNoneMatch` or `IfMatch`, or neither. */
export type Condition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string } | Record<never, never>

export interface Upload {
  readonly name: string
  readonly writeId: string
  readonly signal?: AbortSignal
}

interface UploadedPart {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly ChecksumCRC32: string | undefined
}

type Commit = (send: (condition: Condition) => Promise<unknown>) => Promise<void>

/** Whether the object is the one that this write made. */
export function isWrittenBy(
  metadata: Readonly<Record<string, string>> | undefined,
  writeId: string,
): boolean {
  return metadata?.[WRITE_ID] === writeId
}

/** A body of one part: one request, which the server judges and does at once. */
export function uploadWhole(bucket: S3Bucket, { name, writeId, signal }: Upload, part: Part) {
  return async (condition: Condition): Promise<unknown> => {
    const command = new PutObjectCommand({
      ...bucket.target(name),
      ...condition,
      Body: part.bytes,
      ContentLength: part.bytes.length,
      ContentType: 'application/octet-stream',
      Metadata: { [WRITE_ID]: writeId },
      ...bucket.checksum,
    })
    return asked(() => bucket.client.send(command, optionsOf(signal)))
  }
}

/** A body of several parts. Whatever fails, the parts that were uploaded are removed again. */
export async function uploadParts(
  bucket: S3Bucket,
  upload: Upload,
  {
    first,
    rest,
    commit,
  }: {
    readonly first: Part
    readonly rest: AsyncIterable<Part>
    readonly commit: Commit
  },
): Promise<void> {
  const id = await createUpload(bucket, upload)
  try {
    const parts = await sendParts(bucket, { ...upload, id }, { first, rest })
    await commit((condition) =>
      asked(() =>
        bucket.client.send(
          new CompleteMultipartUploadCommand({
            ...bucket.target(upload.name),
            ...condition,
            UploadId: id,
            MultipartUpload: { Parts: [...parts] },
          }),
          optionsOf(upload.signal),
        ),
      ),
    )
  } catch (error) {
    // The first reason counts; an upload that stays is found by `unfinished`.
    await abortUpload(bucket, { name: upload.name, id }).catch(() => undefined)
    throw error
  }
}

export async function abortUpload(
  bucket: S3Bucket,
  { name, id }: { readonly name: string; readonly id: string },
): Promise<void> {
  const command = new AbortMultipartUploadCommand({
    ...bucket.target(name),
    UploadId: id,
  })
  await asked(() => bucket.client.send(command))
}

async function createUpload(bucket: S3Bucket, { name, writeId, signal }: Upload): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    ...bucket.target(name),
    ContentType: 'application/octet-stream',
    Metadata: { [WRITE_ID]: writeId },
    ...bucket.checksum,
  })
  const { UploadId } = await asked(() => bucket.client.send(command, optionsOf(signal)))
  if (UploadId !== undefined) return UploadId
  throw new CoffreError('OBJECT_STORE_UNAVAILABLE', {
    facts: { ...bucket.facts(name), reason: 'an upload without an id' },
  })
}

async function sendParts(
  bucket: S3Bucket,
  upload: Upload & { readonly id: string },
  { first, rest }: { readonly first: Part; readonly rest: AsyncIterable<Part> },
): Promise<readonly UploadedPart[]> {
  const failed = new AbortController()
  const signal = upload.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, upload.signal])
  const underWay = new Map<number, Promise<void>>()
  const done: UploadedPart[] = []
  let bytes = 0
  let failure: { readonly error: unknown } | undefined
  const start = (part: Part) => {
    bytes += part.bytes.length
    const sent = sendPart(bucket, { ...upload, signal }, part)
      .then((uploaded) => void done.push(uploaded))
      .catch((error: unknown) => {
        failure ??= { error }
        failed.abort()
      })
      .finally(() => {
        bytes -= part.bytes.length
        underWay.delete(part.number)
        part.release()
      })
    underWay.set(part.number, sent)
  }
  try {
    start(first)
    for await (const part of rest) {
      while (failure === undefined && underWay.size > 0 && isFull(underWay.size, bytes + part.bytes.length)) {
        await Promise.race(underWay.values())
      }
      if (failure !== undefined) break
      if (part.number > MAX_PARTS)
        throw new CoffreError('LIMIT_EXCEEDED', {
          facts: { maximumParts: MAX_PARTS },
        })
      start(part)
    }
  } catch (error) {
    failure ??= { error }
    failed.abort()
  }
  // Also on failure: a part that arrives after the upload was removed would stay for ever.
  await Promise.all(underWay.values())
  if (failure !== undefined) throw failure.error
  return done.toSorted((a, b) => a.PartNumber - b.PartNumber)
}

function isFull(parts: number, bytes: number): boolean {
  return parts >= MAX_PARTS_IN_FLIGHT || bytes > MAX_BYTES_IN_FLIGHT
}

async function sendPart(
  bucket: S3Bucket,
  { name, id, signal }: Upload & { readonly id: string },
  part: Part,
): Promise<UploadedPart> {
  const command = new UploadPartCommand({
    ...bucket.target(name),
    UploadId: id,
    PartNumber: part.number,
    Body: part.bytes,
    ContentLength: part.bytes.length,
    ...bucket.checksum,
  })
  const { ETag, ChecksumCRC32 } = await asked(() => bucket.client.send(command, optionsOf(signal)))
  return { PartNumber: part.number, ETag, ChecksumCRC32 }
}

function optionsOf(signal: AbortSignal | undefined): {
  readonly abortSignal?: AbortSignal
} {
  return signal === undefined ? {} : { abortSignal: signal }
}
