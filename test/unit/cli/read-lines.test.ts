import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { readLines } from '../../../src/cli/input/read-lines.ts'
import { hasCode } from '../../../src/model/errors.ts'

const LIMIT = { name: 'line', maximumBytes: 1_000 }

async function read(pieces: readonly Uint8Array[]): Promise<string[]> {
  const lines = await Array.fromAsync(readLines(Readable.from(pieces), LIMIT))
  return lines.map((line) => Buffer.from(line).toString('latin1'))
}

describe('lines', () => {
  test('are the same however the stream is cut', async () => {
    const text = Buffer.from('one\n\ntwo\r\n\u00e9\nlast', 'latin1')
    for (let cut = 0; cut <= text.length; cut += 1) {
      const lines = await read([text.subarray(0, cut), text.subarray(cut)])
      assert.deepEqual(lines, ['one', '', 'two\r', '\u00e9', 'last'])
    }
  })

  test('of an empty stream are none, and a line feed at the end begins no line', async () => {
    assert.deepEqual(await read([]), [])
    assert.deepEqual(await read([Buffer.from('\n')]), [''])
    assert.deepEqual(await read([Buffer.from('a\n')]), ['a'])
  })

  test('refuse a line above the limit before it is read to its end', async () => {
    let pieces = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pieces += 1
        yield Buffer.alloc(100)
      }
    }
    const run = () => Array.fromAsync(readLines(Readable.from(endless()), LIMIT))
    await assert.rejects(run, (error) => hasCode(error, 'LIMIT_EXCEEDED'))
    assert.ok(pieces < 100)
  })
})
