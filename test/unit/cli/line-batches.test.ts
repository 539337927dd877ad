import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { readLineBatches } from '../../../src/cli/input/line-batches.ts'
import { hasCode } from '../../../src/model/errors.ts'

const LIMIT = { name: 'line', maximumBytes: 1_000 }

async function read(pieces: readonly Uint8Array[]): Promise<{ first: number; lines: string[] }[]> {
  const batches: { first: number; lines: string[] }[] = []
  for await (const { first, lines } of readLineBatches(Readable.from(pieces), LIMIT)) {
    batches.push({ first, lines: lines.map((line) => Buffer.from(line).toString('latin1')) })
  }
  return batches
}

describe('lines in batches', () => {
  test('are the same however the stream is cut', async () => {
    const text = Buffer.from('one\n\ntwo\r\n\u00e9\nlast', 'latin1')
    for (let cut = 0; cut <= text.length; cut += 1) {
      const [batch, ...rest] = await read([text.subarray(0, cut), text.subarray(cut)])
      assert.deepEqual(batch, { first: 1, lines: ['one', '', 'two\r', '\u00e9', 'last'] })
      assert.deepEqual(rest, [])
    }
  })

  test('of an empty stream are none, and a line feed at the end begins no line', async () => {
    assert.deepEqual(await read([]), [])
    assert.deepEqual(await read([Buffer.from('\n')]), [{ first: 1, lines: [''] }])
    assert.deepEqual(await read([Buffer.from('a\n')]), [{ first: 1, lines: ['a'] }])
  })

  test('hold at most 1,000 lines and carry the number of their first', async () => {
    const batches = await read([Buffer.from('x\n'.repeat(2_001))])
    assert.deepEqual(
      batches.map(({ first, lines }) => [first, lines.length]),
      [
        [1, 1_000],
        [1_001, 1_000],
        [2_001, 1],
      ],
    )
  })

  test('stay below four mebibytes together', async () => {
    const line = Buffer.alloc(1024 * 1024, 'x')
    const stream = Readable.from(Array.from({ length: 9 }, () => [line, Buffer.from('\n')]).flat())
    const sizes: number[] = []
    const limit = { name: 'line', maximumBytes: line.length }
    for await (const { lines } of readLineBatches(stream, limit)) sizes.push(lines.length)
    assert.deepEqual(sizes, [4, 4, 1])
  })

  test('refuse a line above the limit before it is read to its end', async () => {
    let pieces = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pieces += 1
        yield Buffer.alloc(100)
      }
    }
    const run = async () => {
      for await (const batch of readLineBatches(Readable.from(endless()), LIMIT))
        assert.fail(String(batch.first))
    }
    await assert.rejects(run, (error) => hasCode(error, 'LIMIT_EXCEEDED'))
    assert.ok(pieces < 100)
  })
})
