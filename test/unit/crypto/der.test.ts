import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DER, readDer, readSequence, readSmallInteger, writeDer } from '../../../src/crypto/der.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

test('an element of every length is read as it was written', () => {
  for (const [length, head] of [
    [0, '0400'],
    [1, '0401'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_535, '0482ffff'],
  ] as const) {
    const content = Buffer.alloc(length, 7)
    const written = writeDer(DER.bytes, content)
    assert.equal(hex(written), `${head}${hex(content)}`)
    const [element, ...others] = readDer(written) ?? []
    assert.deepEqual([element?.tag, hex(element?.content ?? bytes('ff')), others], [4, hex(content), []])
  }
})

test('elements follow each other to the very end', () => {
  const elements = readDer(bytes('020101' + '0500' + '0402aabb'))
  assert.deepEqual(
    elements?.map(({ tag, content }) => [tag, hex(content)]),
    [
      [2, '01'],
      [5, ''],
      [4, 'aabb'],
    ],
  )
  assert.deepEqual(readDer(new Uint8Array(0)), [])
  for (const text of ['0402aa', '020101' + '0402aa', '0483000001aa', '0480', '048201']) {
    assert.equal(readDer(bytes(text)), undefined, text)
  }
})

test('a length has one spelling, the shortest (X.690, section 10.1)', () => {
  const filled = (head: string, length: number) => bytes(head + '07'.repeat(length))
  for (const [head, length] of [
    ['0480', 0], // To be ended by two zero bytes.
    ['048100', 0],
    ['04817f', 127],
    ['04820000', 0],
    ['0482007f', 127],
    ['04820080', 128],
    ['048200ff', 255],
    ['0483010000', 65_536],
  ] as const) {
    assert.equal(readDer(filled(head, length)), undefined, head)
    assert.equal(readDer(bytes('0500' + head + '07'.repeat(length))), undefined, `${head} behind another`)
  }
  assert.equal(readDer(bytes('30800201050000')), undefined)
  assert.equal(readSequence(bytes('3081030201050000')), undefined)
})

test('a sequence is one, and nothing stands beside it', () => {
  const inner = writeDer(DER.integer, Buffer.of(5))
  const sequence = writeDer(DER.sequence, inner, inner)
  assert.equal(readSequence(sequence)?.length, 2)
  assert.equal(readSequence(Buffer.concat([sequence, inner])), undefined)
  assert.equal(readSequence(writeDer(DER.bytes, inner)), undefined)
  assert.equal(readSequence(new Uint8Array(0)), undefined)
  assert.equal(readSequence(writeDer(DER.sequence, bytes('0402aa'))), undefined)
})

test('a small integer has at most six bytes', () => {
  const read = (content: string, tag: number = DER.integer) =>
    readSmallInteger({ tag, content: bytes(content) })
  assert.deepEqual(
    ['00', '05', '0100', '00ffffffffff'].map((text) => read(text)),
    [0, 5, 256, 2 ** 40 - 1],
  )
  assert.equal(read('00000000000005'), undefined)
  assert.equal(read('05', DER.bytes), undefined)
  assert.equal(readSmallInteger(undefined), undefined)
})
