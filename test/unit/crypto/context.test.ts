import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodePairs } from '../../../src/crypto/context.ts'

/** Four bytes of length before each text, four of count before all (docs/spec/ciphertext.md). */
function encoded(...texts: readonly string[]): Buffer {
  const number = (value: number) => Buffer.of(0, 0, 0, value)
  const parts = texts.map((text) => Buffer.concat([number(Buffer.byteLength(text)), Buffer.from(text)]))
  return Buffer.concat([number(texts.length / 2), ...parts])
}

describe('the pairs of a context', () => {
  test('are as many as counted, each with its length in bytes', () => {
    assert.deepEqual(Buffer.from(encodePairs({})), encoded())
    assert.deepEqual(Buffer.from(encodePairs({ é: '' })), encoded('é', ''))
  })

  test('stand in the order of their names, however they were given', () => {
    const expected = encoded('a', '3', 'aa', '2', 'b', '1')
    assert.deepEqual(Buffer.from(encodePairs({ b: '1', aa: '2', a: '3' })), expected)
    assert.deepEqual(Buffer.from(encodePairs({ a: '3', aa: '2', b: '1' })), expected)
  })

  test('are ordered by UTF-8, where UTF-16 would put another first', () => {
    // U+FFFD before U+1F600; the first half of the latter's surrogate pair is below U+FFFD.
    const expected = encoded('\ufffd', '1', '😀', '2')
    assert.deepEqual(Buffer.from(encodePairs({ '😀': '2', '\ufffd': '1' })), expected)
    assert.deepEqual(Buffer.from(encodePairs({ '\ufffd': '1', '😀': '2' })), expected)
  })
})
