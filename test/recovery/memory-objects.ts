import { createHash } from 'node:crypto'
import { toInstant } from '../../src/model/clock.ts'
import { CoffreError } from '../../src/model/errors.ts'
import type { ObjectFacts, ObjectStore, ReadOptions, WriteOptions } from '../../src/store/object-store.ts'

const PIECE_BYTES = 50_000

/** Objects in memory, so that a campaign changes one of them ten thousand times a minute. */
export class MemoryObjects implements ObjectStore {
  readonly place = 'memory'
  readonly objects: Map<string, Buffer>

  constructor(objects: ReadonlyMap<string, Buffer> = new Map()) {
    this.objects = new Map(objects)
  }

  async write(name: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}) {
    const pieces: Uint8Array[] = []
    // Each piece is freed once the next one is asked for.
    for await (const piece of body) pieces.push(Uint8Array.from(piece))
    const there = this.#facts(name)
    if (options.ifAbsent === true && there !== undefined) throw new CoffreError('OBJECT_EXISTS')
    if (options.ifVersion !== undefined && options.ifVersion !== there?.version)
      throw new CoffreError('OBJECT_CHANGED')
    this.objects.set(name, Buffer.concat(pieces))
    return { ...this.#require(name), condition: 'atomic' as const }
  }

  async *read(name: string, { offset = 0, length }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    this.#require(name)
    const end = length === undefined ? undefined : offset + length
    const bytes = (this.objects.get(name) ?? Buffer.alloc(0)).subarray(offset, end)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      // A copy: its reader may free it.
      yield Uint8Array.from(bytes.subarray(at, at + PIECE_BYTES))
    }
  }

  async find(name: string): Promise<ObjectFacts | undefined> {
    return this.#facts(name)
  }

  async *list(prefix: string): AsyncGenerator<ObjectFacts> {
    for (const name of [...this.objects.keys()].toSorted()) {
      if (name.startsWith(prefix)) yield this.#require(name)
    }
  }

  async remove(name: string): Promise<'removed' | 'absent'> {
    return this.objects.delete(name) ? 'removed' : 'absent'
  }

  async *unfinished(): AsyncGenerator<never> {}

  async warnings(): Promise<readonly never[]> {
    return []
  }

  async close(): Promise<void> {}

  #facts(name: string): ObjectFacts | undefined {
    const bytes = this.objects.get(name)
    if (bytes === undefined) return undefined
    const version = createHash('sha256').update(bytes).digest('hex')
    return { name, bytes: bytes.length, writtenAt: toInstant(0), version }
  }

  #require(name: string): ObjectFacts {
    const facts = this.#facts(name)
    if (facts === undefined) throw new CoffreError('OBJECT_NOT_FOUND', { facts: { name } })
    return facts
  }
}
