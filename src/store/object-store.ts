import type { Instant } from '../model/clock.ts'
import { CoffreError } from '../model/errors.ts'

/** What is known of an object without reading it. */
export interface ObjectFacts {
  readonly name: string
  readonly bytes: number
  readonly writtenAt: Instant
  /** Another one once the object was replaced: the ETag of S3; inode, size and time of a file. */
  readonly version: string
}

export interface WriteOptions {
  /** Nothing is replaced: OBJECT_EXISTS where there is an object of that name. */
  readonly ifAbsent?: boolean
  /** Only this version is replaced: OBJECT_CHANGED where there is another or none. */
  readonly ifVersion?: string
  /** How long the body is. One of another length is refused, and nothing is written. */
  readonly bytes?: number
  /** Rejects with its reason; what was written so far is removed. */
  readonly signal?: AbortSignal
}

export interface WrittenObject extends ObjectFacts {
  /**
   * How the condition was kept. `atomic`: the store judged it with the write, so of two writers one wins. `looked`: the
   * store cannot, so it was looked before and after, and a second writer in between is found but not prevented.
   */
  readonly condition: 'none' | 'atomic' | 'looked'
}

export interface ReadOptions {
  /** 0 when absent. */
  readonly offset?: number
  /** To the end when absent. */
  readonly length?: number
  /** Only this version: OBJECT_CHANGED where there is another. */
  readonly version?: string
  readonly signal?: AbortSignal
  /** Whoever reads is done with a piece when it asks for the next, so that its memory may be used again. */
  readonly isLent?: boolean
}

/** What somebody began to write and never completed, or is writing now: only its age tells. */
export interface UnfinishedObject {
  readonly name: string
  readonly startedAt: Instant
  remove(): Promise<void>
}

/** Stops nothing, and somebody should look at it. */
export type ObjectStoreWarning =
  /** Others than the owner may read: every user of the machine, or everybody on the internet. */
  | 'readable-by-others'
  | 'writable-by-others'
  /** The store does not tell who may read, or does not tell us. */
  | 'access-unknown'
  /** Removed and replaced objects stay, unseen, until the rules of the bucket end them. */
  | 'keeps-versions'
  /** Plain HTTP beyond this machine. */
  | 'plain-http'

/**
 * Where large, encrypted objects lie: a folder or a bucket. It cannot open them.
 *
 * All methods may be called concurrently. They throw OBJECT_STORE_UNAVAILABLE when the store does not answer or has no
 * space left, OBJECT_STORE_REFUSED when it refuses access, BUCKET_NOT_FOUND without the bucket or folder itself. No error
 * holds a credential or a signed address.
 */
export interface ObjectStore {
  /** For people and errors; it holds no credential. */
  readonly place: string
  /**
   * All or nothing: the object is there, whole, once this resolves, and is not to be seen before. Memory does not grow
   * with the body; each piece of it is used up before the next is asked for. A write that threw left nothing, except that OBJECT_STORE_UNAVAILABLE may mean that only the answer
   * was lost: `find` tells. Names are as `requireObjectName` says.
   */
  write(name: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<WrittenObject>
  /**
   * One version, never a mixture: throws OBJECT_CHANGED if the object is replaced or cut while it is read, and
   * OBJECT_NOT_FOUND where there is none. A range beyond the end gives what there is of it.
   */
  read(name: string, options?: ReadOptions): AsyncIterable<Uint8Array>
  find(name: string): Promise<ObjectFacts | undefined>
  /**
   * Complete objects whose names begin with `prefix`, in the order of the bytes of their names, in pages. An object that
   * is written or removed meanwhile may be in it or not. Names that `read` does not take are left out.
   */
  list(prefix: string): AsyncIterable<ObjectFacts>
  /** `locked`: retention or a legal hold keeps it, and nothing was done. */
  remove(name: string): Promise<'removed' | 'absent' | 'locked'>
  unfinished(): AsyncIterable<UnfinishedObject>
  warnings(): Promise<readonly ObjectStoreWarning[]>
  close(): Promise<void>
}

/** What an unfinished file of a folder ends with. */
export const PART_ENDING = '.part'
const MAX_NAME_BYTES = 1_024
const MAX_OBJECT_NAME_LENGTH = 512
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._=+@-]{0,127}$/
const CONTROL = /\p{Cc}/u

/**
 * What we write: segments of ASCII letters, digits and `._=+@-` with `/` between, so that a name is the same in every
 * bucket and file system. Throws INVALID_REQUEST.
 */
export function requireObjectName(name: string): void {
  const isSound =
    name.length <= MAX_OBJECT_NAME_LENGTH &&
    !name.endsWith(PART_ENDING) &&
    name.split('/').every((segment) => SEGMENT.test(segment))
  if (!isSound) {
    const expected = `letters, digits and ._=+@- in segments of at most 128, with / between, not ending in ${PART_ENDING}`
    throw new CoffreError('INVALID_REQUEST', { facts: { field: 'name', expected } })
  }
}

/** Whether it may be read: what others put beside our objects has names of its own. */
export function isReadableName(name: string): boolean {
  const segments = name.split('/')
  return (
    Buffer.byteLength(name) <= MAX_NAME_BYTES &&
    name.isWellFormed() &&
    !CONTROL.test(name) &&
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  )
}

/** Throws INVALID_REQUEST. */
export function requireReadableName(name: string): void {
  if (isReadableName(name)) return
  const expected = 'a name without empty segments, . and .., and control characters'
  throw new CoffreError('INVALID_REQUEST', { facts: { field: 'name', expected } })
}
