import {
  type HeadObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { toInstant } from '../../model/clock.ts'
import { CoffreError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'
import type { ObjectFacts } from '../object-store.ts'
import type { S3Address } from './s3-address.ts'
import { asked, isStatus, toCoffreError } from './s3-errors.ts'

const NOT_FOUND = 404

/** One bucket, and the beginning of the names in it that are ours. */
export class S3Bucket {
  readonly client: S3Client
  readonly place: string
  /** What a write asks the server to check. */
  readonly checksum: { readonly ChecksumAlgorithm?: 'CRC32' }
  readonly #name: string
  readonly #prefix: string
  #isThere = false

  constructor(client: S3Client, address: S3Address) {
    this.client = client
    this.place = `s3://${address.bucket}/${address.prefix}`
    this.checksum = address.checksums ? { ChecksumAlgorithm: 'CRC32' } : {}
    this.#name = address.bucket
    this.#prefix = address.prefix
  }

  get itself(): { readonly Bucket: string } {
    return { Bucket: this.#name }
  }

  target(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#name, Key: `${this.#prefix}${name}` }
  }

  names(prefix: string): { readonly Bucket: string; readonly Prefix: string } {
    return { Bucket: this.#name, Prefix: `${this.#prefix}${prefix}` }
  }

  nameOf(key: string | undefined): string | undefined {
    return key?.startsWith(this.#prefix) === true ? key.slice(this.#prefix.length) : undefined
  }

  facts(name?: string): ErrorFacts {
    return name === undefined ? { place: this.place } : { place: this.place, name }
  }

  error(code: ErrorCode, name: string): CoffreError {
    return new CoffreError(code, { facts: this.facts(name) })
  }

  /** One request; what the server refuses becomes a CoffreError. */
  async ask<Answer>(name: string | undefined, request: () => Promise<Answer>): Promise<Answer> {
    try {
      return await asked(request)
    } catch (error) {
      throw toCoffreError(error, this.facts(name))
    }
  }

  async head(name: string, abortSignal?: AbortSignal): Promise<HeadObjectCommandOutput | undefined> {
    const options = abortSignal === undefined ? {} : { abortSignal }
    try {
      const head = await asked(() => this.client.send(new HeadObjectCommand(this.target(name)), options))
      this.#isThere = true
      return head
    } catch (error) {
      abortSignal?.throwIfAborted()
      if (!isStatus(error, NOT_FOUND)) throw toCoffreError(error, this.facts(name))
      // An answer to HEAD has no body that would tell whether the object or the bucket is not there.
      await this.requireBucket()
      return undefined
    }
  }

  async find(name: string, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    const head = await this.head(name, signal)
    return head === undefined ? undefined : this.read(name, head)
  }

  /** Throws BUCKET_NOT_FOUND. */
  async requireBucket(): Promise<void> {
    if (this.#isThere) return
    try {
      await asked(() => this.client.send(new HeadBucketCommand(this.itself)))
      this.#isThere = true
    } catch (error) {
      if (isStatus(error, NOT_FOUND)) throw new CoffreError('BUCKET_NOT_FOUND', { facts: this.facts() })
      throw toCoffreError(error, this.facts())
    }
  }

  /** What a server says of an object. An answer without these is none. */
  read(
    name: string,
    answer: {
      readonly ContentLength?: number | undefined
      readonly Size?: number | undefined
      readonly ETag?: string | undefined
      readonly LastModified?: Date | undefined
    },
  ): ObjectFacts {
    const bytes = answer.ContentLength ?? answer.Size
    const seconds = Math.floor((answer.LastModified?.getTime() ?? Number.NaN) / 1_000)
    if (bytes === undefined || answer.ETag === undefined || !(seconds >= 0)) {
      throw new CoffreError('OBJECT_STORE_UNAVAILABLE', {
        facts: {
          ...this.facts(name),
          reason: 'an answer without size, time or ETag',
        },
      })
    }
    // HEAD tells whole seconds, a list tells more.
    return {
      name,
      bytes,
      writtenAt: toInstant(seconds * 1_000),
      version: answer.ETag.replaceAll('"', ''),
    }
  }
}
