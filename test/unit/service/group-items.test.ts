import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { groupItems, sizeOfRequest } from '../../../src/service/data/group-items.ts'

const sizeOf = () => 1

async function sizesOf<Item>(groups: AsyncIterable<readonly Item[]>): Promise<number[]> {
  return (await Array.fromAsync(groups)).map((group) => group.length)
}

describe('items in groups', () => {
  test('keep their order, 1,000 together at most', async () => {
    const items = Array.from({ length: 2_500 }, (_, index) => index)
    const groups = await Array.fromAsync(groupItems(items, { sizeOf }))
    assert.deepEqual(groups.flat(), items)
    assert.ok(groups.every((group) => group.length <= 1_000))
    assert.equal(groups[0]?.length, 1_000)
    assert.deepEqual(await sizesOf(groupItems([], { sizeOf })), [])
  })

  test('end early where they are large', async () => {
    const large = Array.from({ length: 9 }, () => 0)
    assert.deepEqual(await sizesOf(groupItems(large, { sizeOf: () => 2 * 1024 * 1024 })), [2, 2, 2, 2, 1])
  })

  test('do not wait for a source that pauses until it is answered', async () => {
    let answered = Promise.withResolvers<void>()
    async function* questions(): AsyncGenerator<number> {
      for (let index = 0; index < 3; index += 1) {
        yield index
        await answered.promise
        answered = Promise.withResolvers()
      }
    }
    const seen: number[] = []
    for await (const group of groupItems(questions(), { sizeOf })) {
      seen.push(...group)
      answered.resolve()
    }
    assert.deepEqual(seen, [0, 1, 2])
  })

  test('come before the error of their source', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1
      yield 2
      throw new RangeError('source')
    }
    const seen: number[] = []
    await assert.rejects(async () => {
      for await (const group of groupItems(failing(), { sizeOf })) seen.push(...group)
    }, RangeError)
    assert.deepEqual(seen, [1, 2])
  })

  test('let go of their source when nobody wants more', async () => {
    let closed = false
    async function* source(): AsyncGenerator<number> {
      try {
        for (;;) yield 1
      } finally {
        closed = true
      }
    }
    for await (const group of groupItems(source(), { sizeOf })) {
      assert.equal(group.length, 1_000)
      break
    }
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closed, true)
  })

  test('of random bytes weigh what they will give', () => {
    assert.ok(sizeOfRequest({ bytes: 65_536 }) >= 4 * 65_536)
    assert.equal(sizeOfRequest({ key: 'abc', plaintext: Buffer.alloc(7) }), 10)
  })
})
