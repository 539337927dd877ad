import { setImmediate } from 'node:timers/promises'
import type { ObjectFacts, ObjectStore } from '../../../src/store/object-store.ts'

/** `bytes` in pieces of `size`. */
export async function* pieces(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await setImmediate()
    yield bytes.subarray(at, at + size)
  }
}

/** Some bytes, and then nothing any more, for ever. */
export async function* stuck(bytes: Uint8Array, at?: () => void): AsyncGenerator<Uint8Array> {
  yield bytes
  at?.()
  await new Promise<never>(() => undefined)
}

/** Some bytes, and then an error. */
export async function* broken(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield bytes
  throw error
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function listAll(store: ObjectStore, prefix = ''): Promise<readonly ObjectFacts[]> {
  const found: ObjectFacts[] = []
  for await (const facts of store.list(prefix)) found.push(facts)
  return found
}

export async function namesOf(store: ObjectStore, prefix = ''): Promise<readonly string[]> {
  return (await listAll(store, prefix)).map(({ name }) => name)
}

export async function unfinishedNames(store: ObjectStore): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { name } of store.unfinished()) names.push(name)
  return names
}

export async function removeUnfinished(store: ObjectStore): Promise<number> {
  let removed = 0
  for await (const each of store.unfinished()) {
    await each.remove()
    removed += 1
  }
  return removed
}
