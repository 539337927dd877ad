import { setTimeout } from 'node:timers/promises'
import { MAX_BATCH_ITEMS } from '../../model/limits.ts'

/** A group that is larger waits for nobody: four values of the greatest size. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024
/** How long a group waits for its next item. Whoever sends one and waits for its answer gets it then. */
const LINGER_MS = 2

export interface Grouping<Item> {
  /** Bytes that the item holds in memory, about. */
  readonly sizeOf: (item: Item) => number
}

/** Items in groups of at most 1,000, in order; a source that pauses ends a group. */
export async function* groupItems<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  { sizeOf }: Grouping<Item>,
): AsyncGenerator<readonly Item[]> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const linger = new Linger()
  let pending: Promise<IteratorResult<Item>> | undefined
  try {
    for (;;) {
      const group: Item[] = []
      let bytes = 0
      let next: IteratorResult<Item> | undefined = await (pending ?? iterator.next())
      pending = undefined
      while (next !== undefined && next.done !== true) {
        group.push(next.value)
        bytes += sizeOf(next.value)
        if (group.length === MAX_BATCH_ITEMS || bytes >= MAX_GROUP_BYTES) break
        pending = Promise.resolve(iterator.next())
        // What came before the error of a source is complete; `pending` throws again after it.
        next = await linger.wait(pending).catch(() => undefined)
        if (next !== undefined) pending = undefined
      }
      if (group.length > 0) yield group
      if (next?.done === true) return
    }
  } finally {
    // A source that waits must not be waited for, and what it says now nobody hears.
    void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

/** What `sizeOf` counts of a request: texts and bytes, one level deep, and random bytes that it asks for. */
export function sizeOfRequest(request: object): number {
  // A batch gives at most MAX_BATCH_RANDOM_BYTES; at this weight a group ends before.
  let size = 'bytes' in request && typeof request.bytes === 'number' ? 5 * request.bytes : 0
  for (const value of Object.values(request)) {
    if (typeof value === 'string' || value instanceof Uint8Array) size += value.length
  }
  return size
}

/** One timer for all the items that come within it: one for each would cost more than the items do. */
class Linger {
  #timer: Promise<undefined> | undefined
  #isFresh = false

  /** What `pending` gives, or `undefined` where that takes longer than LINGER_MS. */
  async wait<Value>(pending: Promise<Value>): Promise<Value | undefined> {
    for (;;) {
      if (this.#timer === undefined) {
        this.#timer = setTimeout(LINGER_MS)
        this.#isFresh = true
      }
      const first = await Promise.race([pending.then((value) => ({ value })), this.#timer])
      if (first !== undefined) {
        this.#isFresh = false
        return first.value
      }
      this.#timer = undefined
      if (this.#isFresh) return undefined
    }
  }
}
