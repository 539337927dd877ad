import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { MAX_PARTS, partBytes } from '../../../../src/store/object/part-size.ts'
import { partsOf } from '../../../../src/store/object/parts.ts'

const [MIB, GIB, TIB] = [2 ** 20, 2 ** 30, 2 ** 40]

function total(parts: number, bytes?: number): number {
  let sum = 0
  for (let number = 1; number <= parts; number += 1) sum += partBytes(number, bytes)
  return sum
}

describe('the parts of an upload', () => {
  test('hold 5 TiB of unknown length, each within what S3 takes', () => {
    assert.ok(total(MAX_PARTS) >= 5 * TIB)
    assert.ok(partBytes(1) >= 5 * MIB && partBytes(MAX_PARTS) <= 5 * GIB)
  })

  test('are small while the body is, and few where its length is known', () => {
    let [number, sum] = [0, 0]
    while (sum < 10 * GIB) sum += partBytes((number += 1))
    assert.ok(partBytes(number) < 30 * MIB, String(partBytes(number)))
    assert.equal(partBytes(512), partBytes(1))
    for (const bytes of [1, 10, 50, 100, 146])
      assert.ok(total(1_000, bytes * GIB) >= bytes * GIB, String(bytes))
    assert.ok(total(1_000) >= 29 * GIB)
    assert.ok(total(MAX_PARTS, 5 * TIB) >= 5 * TIB)
  })

  test('are the body again however it was cut, and only the last is shorter', async () => {
    for (const length of [0, 1, 9, 10, 11, 20, 57]) {
      const body = randomBytes(length)
      for (const size of [1, 3, 10, 60]) {
        const found: Buffer[] = []
        const cut = (async function* () {
          for (let at = 0; at < length; at += size) yield body.subarray(at, at + size)
        })()
        let isLast = false
        for await (const part of partsOf(cut, () => 10)) {
          assert.equal(isLast, false)
          assert.equal(part.number, found.length + 1)
          isLast = part.isLast
          if (!isLast) assert.equal(part.bytes.length, 10)
          found.push(Buffer.from(part.bytes))
          part.release()
        }
        assert.ok(isLast)
        assert.equal(found.length, Math.max(1, Math.ceil(length / 10)))
        assert.ok(Buffer.concat(found).equals(body))
      }
    }
  })

  test('use a buffer again only once it was released', async () => {
    const body = (async function* () {
      for (let index = 0; index < 6; index += 1) yield Buffer.alloc(10, index)
    })()
    const held: Uint8Array[] = []
    for await (const part of partsOf(body, () => 10)) {
      if (part.number % 2 === 0) part.release()
      else held.push(part.bytes)
    }
    assert.deepEqual(
      held.map((bytes) => bytes[0]),
      [0, 2, 4],
    )
    assert.ok(held.every((bytes) => bytes.every((byte) => byte === bytes[0])))
  })
})
