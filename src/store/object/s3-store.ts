import {
  DeleteObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { toInstant } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import {
  isReadableName,
  type ObjectFacts,
  type ObjectStore,
  type ObjectStoreWarning,
  type ReadOptions,
  requireObjectName,
  requireReadableName,
  type UnfinishedObject,
  type WriteOptions,
  type WrittenObject,
} from '../object-store.ts'
import { abortable } from './abortable.ts'
import { requireLength } from './body-length.ts'
import { partBytes } from './part-size.ts'
import { partsOf } from './parts.ts'
import type { S3Address } from './s3-address.ts'
import { S3Bucket } from './s3-bucket.ts'
import { makeAnonymousClient, makeClient, type S3ClientOptions } from './s3-client.ts'
import { isStatus, S3Failure, toCoffreError } from './s3-errors.ts'
import { readObject } from './s3-read.ts'
import { abortUpload, type Condition, isWrittenBy, uploadParts, uploadWhole } from './s3-upload.ts'
import { bucketWarnings } from './s3-warnings.ts'

export interface S3StoreOptions extends S3ClientOptions {
  /** Another one for each write, by which we know our own object again. */
  readonly makeWriteId: () => string
  /** Of part `number`, from 1, of a body whose length may be known; as `partBytes` when absent. */
  readonly partBytes?: (number: number, bytes?: number) => number
  /** Names in one page of a list; the server's own choice (1,000) when absent. */
  readonly pageSize?: number
}

type Write = WriteOptions & { readonly writeId: string }

/** Objects in a bucket of Amazon S3, or of a server that speaks as it does. */
export class S3ObjectStore implements ObjectStore {
  readonly #address: S3Address
  readonly #options: S3StoreOptions
  readonly #client: S3Client
  readonly #bucket: S3Bucket
  /** Whether the server judges conditions of a write; believed until it says that it does not. */
  #judgesConditions = true

  constructor(address: S3Address, options: S3StoreOptions) {
    this.#address = address
    this.#options = options
    this.#client = makeClient(address, options)
    this.#bucket = new S3Bucket(this.#client, address)
  }

  get place(): string {
    return this.#bucket.place
  }

  async write(
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<WrittenObject> {
    requireObjectName(name)
    options.signal?.throwIfAborted()
    await this.#requireCondition(name, options)
    const write = { ...options, writeId: this.#options.makeWriteId() }
    const bytes = await this.#upload(name, body, write)
    const head = await this.#bucket.head(name)
    // Somebody may have written after us, or, where the server does not judge conditions, at the same time.
    if (head?.ContentLength !== bytes || !isWrittenBy(head.Metadata, write.writeId)) {
      throw this.#bucket.error('OBJECT_CHANGED', name)
    }
    return { ...this.#bucket.read(name, head), condition: this.#conditionOf(options) }
  }

  async *read(name: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    requireReadableName(name)
    options.signal?.throwIfAborted()
    const facts = await this.#bucket.find(name, options.signal)
    if (facts === undefined) throw this.#bucket.error('OBJECT_NOT_FOUND', name)
    if (options.version !== undefined && options.version !== facts.version) {
      throw this.#bucket.error('OBJECT_CHANGED', name)
    }
    yield* readObject(this.#bucket, facts, options)
  }

  async find(name: string): Promise<ObjectFacts | undefined> {
    requireReadableName(name)
    return this.#bucket.find(name)
  }

  async *list(prefix: string): AsyncGenerator<ObjectFacts> {
    let token: string | undefined
    do {
      const page: ListObjectsV2CommandOutput = await this.#listPage(prefix, token)
      for (const each of page.Contents ?? []) {
        const name = this.#bucket.nameOf(each.Key)
        if (name !== undefined && isReadableName(name)) yield this.#bucket.read(name, each)
      }
      token = this.#next(token, page.IsTruncated === true ? page.NextContinuationToken : undefined)
    } while (token !== undefined)
  }

  async remove(name: string): Promise<'removed' | 'absent' | 'locked'> {
    requireReadableName(name)
    const head = await this.#bucket.head(name)
    if (head === undefined) return 'absent'
    // A bucket with locks keeps versions, so it would hide the object and say that this was all right.
    if (isLocked(head)) return 'locked'
    try {
      const command = new DeleteObjectCommand(this.#bucket.target(name))
      await this.#bucket.ask(name, () => this.#client.send(command))
      return 'removed'
    } catch (error) {
      if (hasCode(error, 'OBJECT_LOCKED')) return 'locked'
      throw error
    }
  }

  async *unfinished(): AsyncGenerator<UnfinishedObject> {
    let marker: string | undefined
    do {
      const page: ListMultipartUploadsCommandOutput = await this.#uploadsPage(marker)
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        const name = this.#bucket.nameOf(Key)
        if (name === undefined || UploadId === undefined) continue
        const startedAt = toInstant(Math.max(0, Initiated?.getTime() ?? 0))
        yield { name, startedAt, remove: () => this.#removeUpload(name, UploadId) }
      }
      const isMore = page.IsTruncated === true
      marker = this.#next(marker, isMore ? `${page.NextKeyMarker}\n${page.NextUploadIdMarker}` : undefined)
    } while (marker !== undefined)
  }

  async warnings(): Promise<readonly ObjectStoreWarning[]> {
    await this.#bucket.requireBucket()
    const client = makeAnonymousClient(this.#address, this.#options)
    try {
      const anonymous = new S3Bucket(client, this.#address)
      return await bucketWarnings(this.#bucket, { anonymous, endpoint: this.#address.endpoint })
    } finally {
      client.destroy()
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  /** Answers how many bytes there were. */
  async #upload(name: string, body: AsyncIterable<Uint8Array>, write: Write): Promise<number> {
    const { bytes, signal, writeId } = write
    let written = 0
    const counted = async function* () {
      for await (const chunk of abortable(body, signal)) {
        written += chunk.length
        requireLength({ written, bytes, isOver: false })
        yield chunk
      }
      requireLength({ written, bytes, isOver: true })
    }
    const sizeOf = this.#options.partBytes ?? partBytes
    const parts = partsOf(counted(), (number) => sizeOf(number, bytes))
    const upload = { name, writeId, ...(signal === undefined ? {} : { signal }) }
    const commit = (send: (condition: Condition) => Promise<unknown>) => this.#commit(name, write, send)
    try {
      const { value: first } = await parts.next()
      if (first?.isLast === true) await commit(uploadWhole(this.#bucket, upload, first))
      else if (first !== undefined) await uploadParts(this.#bucket, upload, { first, rest: parts, commit })
      return written
    } catch (error) {
      signal?.throwIfAborted()
      throw toCoffreError(error, this.#bucket.facts(name))
    } finally {
      await parts.return(undefined)
    }
  }

  /** Sends the one request that makes the object appear. If its answer is lost, whose object is there tells. */
  async #commit(name: string, write: Write, send: (condition: Condition) => Promise<unknown>): Promise<void> {
    const condition = this.#judgesConditions ? headersOf(write) : {}
    if (!this.#judgesConditions) await this.#requireCondition(name, write)
    try {
      await send(condition)
    } catch (error) {
      if (!(error instanceof S3Failure)) throw error
      if (error.status === 501 && Object.keys(condition).length > 0) {
        this.#judgesConditions = false
        return this.#commit(name, write, send)
      }
      const head = await this.#bucket.head(name).catch(() => undefined)
      if (head !== undefined && isWrittenBy(head.Metadata, write.writeId)) return
      throw this.#isLost(error, write) ? this.#bucket.error(lostCode(write), name) : error
    }
  }

  /** 409: another write of the name came in between. 404: what was to be replaced is gone. */
  #isLost(failure: S3Failure, { ifAbsent, ifVersion }: Write): boolean {
    if (ifVersion !== undefined) return isStatus(failure, 412, 409, 404)
    return ifAbsent === true && isStatus(failure, 412, 409)
  }

  async #requireCondition(name: string, options: WriteOptions): Promise<void> {
    const { ifAbsent, ifVersion, signal } = options
    if (ifAbsent !== true && ifVersion === undefined) return
    const there = await this.#bucket.find(name, signal)
    const isKept = ifVersion === undefined ? there === undefined : there?.version === ifVersion
    if (!isKept) throw this.#bucket.error(lostCode(options), name)
  }

  #conditionOf({ ifAbsent, ifVersion }: WriteOptions): WrittenObject['condition'] {
    if (ifAbsent !== true && ifVersion === undefined) return 'none'
    return this.#judgesConditions ? 'atomic' : 'looked'
  }

  async #listPage(prefix: string, token: string | undefined): Promise<ListObjectsV2CommandOutput> {
    const { pageSize } = this.#options
    const command = new ListObjectsV2Command({
      ...this.#bucket.names(prefix),
      ...(pageSize === undefined ? {} : { MaxKeys: pageSize }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    return this.#bucket.ask(undefined, () => this.#client.send(command))
  }

  async #uploadsPage(marker: string | undefined): Promise<ListMultipartUploadsCommandOutput> {
    const [key, id] = marker?.split('\n') ?? []
    const command = new ListMultipartUploadsCommand({
      ...this.#bucket.names(''),
      ...(key === undefined ? {} : { KeyMarker: key, UploadIdMarker: id }),
    })
    return this.#bucket.ask(undefined, () => this.#client.send(command))
  }

  async #removeUpload(name: string, id: string): Promise<void> {
    try {
      await abortUpload(this.#bucket, { name, id })
    } catch (error) {
      if (!isStatus(error, 404)) throw toCoffreError(error, this.#bucket.facts(name))
    }
  }

  /** A server that answers the same page again would be asked for ever. */
  #next(before: string | undefined, next: string | undefined): string | undefined {
    if (next === undefined || next !== before) return next
    throw new CoffreError('OBJECT_STORE_UNAVAILABLE', {
      facts: { ...this.#bucket.facts(), reason: 'a list without an end' },
    })
  }
}

function headersOf({ ifAbsent, ifVersion }: WriteOptions): Condition {
  if (ifVersion !== undefined) return { IfMatch: `"${ifVersion}"` }
  return ifAbsent === true ? { IfNoneMatch: '*' } : {}
}

function lostCode({ ifVersion }: WriteOptions): 'OBJECT_CHANGED' | 'OBJECT_EXISTS' {
  return ifVersion === undefined ? 'OBJECT_EXISTS' : 'OBJECT_CHANGED'
}

function isLocked(head: HeadObjectCommandOutput): boolean {
  const until = head.ObjectLockRetainUntilDate?.getTime() ?? 0
  return head.ObjectLockLegalHoldStatus === 'ON' || until > Date.now()
}
