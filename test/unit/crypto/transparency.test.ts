import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { utf8 } from '../../../src/crypto/bytes.ts'
import { exportPublicKey } from '../../../src/crypto/key-object.ts'
import { generateEc, generateEd25519 } from '../../../src/crypto/key-pair.ts'
import { appendLeaves, EMPTY_FRONTIER, leafHash, nodeHash, rootHash } from '../../../src/crypto/merkle.ts'
import {
  checkpointSigner,
  parseCheckpoint,
  parseSize,
  type TreeHead,
} from '../../../src/crypto/transparency/checkpoint.ts'
import {
  consistencyPath,
  inclusionPath,
  type LeafRange,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/crypto/transparency/merkle-proof.ts'
import {
  formatConsistencyProof,
  formatInclusionProof,
  parseConsistencyProof,
  parseInclusionProof,
} from '../../../src/crypto/transparency/proof-text.ts'
import {
  base64,
  formatVerifierKey,
  judgeNote,
  noteSigner,
  parseNote,
  parseVerifierKey,
  verifierKeyOf,
} from '../../../src/crypto/transparency/signed-note.ts'

const hash = (fill: number) => new Uint8Array(32).fill(fill)
const leaves = Array.from({ length: 20 }, (_, at) => leafHash(Uint8Array.of(at)))
const rootOf = (from: number, to: number) => rootHash(appendLeaves(EMPTY_FRONTIER, leaves.slice(from, to)))
const headOf = (size: number) => ({ size, rootHash: rootOf(0, size) })
const hashesOf = (ranges: readonly LeafRange[]) => ranges.map(({ start, end }) => rootOf(start, end))

describe('the paths of a tree', () => {
  test('include every leaf in every size, and in no other tree', () => {
    for (let size = 1; size <= 20; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const path = hashesOf(inclusionPath(index, size))
        const leaf = leaves[index] ?? hash(0)
        const inclusion = { index, leafHash: leaf, path }
        assert.ok(verifyInclusion(inclusion, headOf(size)), `${index} of ${size}`)
        assert.ok(!verifyInclusion({ ...inclusion, leafHash: hash(1) }, headOf(size)))
        assert.ok(!verifyInclusion({ ...inclusion, path: [...path, hash(1)] }, headOf(size)))
        assert.ok(!verifyInclusion({ ...inclusion, index: size }, headOf(size)))
        if (size > 1) assert.ok(!verifyInclusion({ ...inclusion, path: path.slice(1) }, headOf(size)))
      }
    }
  })
  test('lead from every size to every later one', () => {
    for (let to = 1; to <= 20; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        const path = hashesOf(consistencyPath(from, to))
        const [older, newer] = [headOf(from), headOf(to)]
        assert.ok(verifyConsistency(older, newer, path), `${from} to ${to}`)
        assert.ok(!verifyConsistency({ ...older, rootHash: hash(1) }, newer, path))
        assert.ok(!verifyConsistency(older, { ...newer, rootHash: hash(1) }, path))
        assert.ok(!verifyConsistency(older, newer, [...path, hash(1)]))
        assert.ok(from === to || !verifyConsistency(newer, older, path))
        if (path.length > 0) assert.ok(!verifyConsistency(older, newer, path.slice(1)))
      }
    }
  })
  test('are the ones of RFC 6962, section 2.1.3', () => {
    const [a, b, c] = [0, 1, 2].map((start) => ({ start, end: start + 1 }))
    const [g, h, i, j] = [0, 2, 4].map((start) => ({ start, end: start + 2 })).concat({ start: 6, end: 7 })
    const [k, l] = [
      { start: 0, end: 4 },
      { start: 4, end: 7 },
    ]
    assert.deepEqual(inclusionPath(0, 7), [b, h, l])
    assert.deepEqual(inclusionPath(3, 7), [c, g, l])
    assert.deepEqual(inclusionPath(4, 7), [{ start: 5, end: 6 }, j, k])
    assert.deepEqual(inclusionPath(6, 7), [i, k])
    assert.deepEqual(inclusionPath(1, 2), [a])
    assert.deepEqual(consistencyPath(3, 7), [c, { start: 3, end: 4 }, g, l])
    assert.deepEqual(consistencyPath(4, 7), [l])
    assert.deepEqual(consistencyPath(6, 7), [i, j, k])
  })
  test('from nothing are empty, and longer than any tree are refused', () => {
    assert.ok(verifyConsistency(headOf(0), headOf(5), []))
    assert.ok(!verifyConsistency(headOf(0), headOf(5), [hash(1)]))
    assert.ok(!verifyConsistency({ size: 0, rootHash: hash(1) }, headOf(5), []))
    assert.ok(!verifyConsistency(headOf(3), headOf(5), []))
    const long = Array.from({ length: 64 }, () => hash(1))
    assert.ok(!verifyConsistency(headOf(3), headOf(5), long))
    assert.ok(!verifyInclusion({ index: 0, leafHash: hash(1), path: long }, headOf(5)))
    for (const size of [-1, 0.5, 2 ** 53]) {
      assert.ok(
        !verifyInclusion({ index: 0, leafHash: leaves[0] ?? hash(0), path: [] }, { ...headOf(1), size }),
      )
      assert.ok(!verifyConsistency({ ...headOf(1), size }, headOf(5), []))
    }
  })
  test('are of whole numbers up to 2^53 - 1', () => {
    const [leaf = hash(0), next = hash(0)] = leaves
    const siblings = Array.from({ length: 53 }, (_, at) => hash(at))
    const fold = (count: number) =>
      siblings.slice(0, count).reduce((root, sibling) => nodeHash(root, sibling), leaf)
    const includes = (index: number, size: number, count: number) =>
      verifyInclusion(
        { index, leafHash: leaf, path: siblings.slice(0, count) },
        { size, rootHash: fold(count) },
      )
    const follows = (from: number, to: number, count: number) =>
      verifyConsistency(
        { size: from, rootHash: leaf },
        { size: to, rootHash: fold(count) },
        siblings.slice(0, count),
      )
    assert.deepEqual([includes(0, 2, 1), includes(0, 2 ** 53 - 1, 53)], [true, true])
    assert.deepEqual([includes(0, 2 ** 53, 53), includes(0, 5.5, 3)], [false, false])
    assert.deepEqual([includes(-1, 2, 1), includes(0.5, 2, 1)], [false, false])
    assert.deepEqual([follows(1, 2, 1), follows(1, 2 ** 53 - 1, 53)], [true, true])
    assert.deepEqual([follows(1, 2 ** 53, 53), follows(1, 2.5, 1)], [false, false])
    assert.ok(!verifyConsistency({ size: 0.5, rootHash: leaf }, headOf(2), [leaf, next]))
  })
  test('end at the root, whatever root one says that there is behind it', () => {
    const [leaf = hash(0)] = leaves
    const beyond = (head: TreeHead) => ({ ...head, rootHash: nodeHash(hash(1), head.rootHash) })
    assert.ok(!verifyInclusion({ index: 0, leafHash: leaf, path: [hash(1)] }, beyond(headOf(1))))
    const path = hashesOf(consistencyPath(3, 4))
    assert.ok(verifyConsistency(headOf(3), headOf(4), path))
    assert.ok(!verifyConsistency(beyond(headOf(3)), beyond(headOf(4)), [...path, hash(1)]))
  })
  test('of 2^53 leaves do not end at 32 bits', () => {
    let root = leaves[0] ?? hash(0)
    const path = Array.from({ length: 40 }, (_, at) => hash(at))
    for (const sibling of path) root = rootHash({ size: 3, roots: [root, sibling] })
    assert.ok(
      verifyInclusion({ index: 0, leafHash: leaves[0] ?? hash(0), path }, { size: 2 ** 40, rootHash: root }),
    )
  })
})

const material = await generateEd25519()
const spki = exportPublicKey(material)
const name = 'example.com/log'
const own = verifierKeyOf(name, spki)
const sign = noteSigner(material)
const text = 'one line\nanother\n'

describe('a verifier key', () => {
  test('is read as it was written', () => {
    const written = formatVerifierKey(own)
    assert.match(written, /^example\.com\/log\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/)
    const read = parseVerifierKey(written)
    assert.equal(read?.name, name)
    assert.deepEqual(Buffer.from(read.publicKey), Buffer.from(own.publicKey))
    assert.deepEqual(Buffer.from(read.keyHash), Buffer.from(own.keyHash))
  })
  test('with another name, key hash, kind or length is none', () => {
    const written = formatVerifierKey(own)
    const [, keyHash = '', key = ''] = written.split('+')
    const bytes = Buffer.from(written.slice(written.indexOf('+A') + 1), 'base64')
    const spoiled = [
      '',
      'no key',
      written.replace('example', 'Example'),
      written.replace(keyHash, '00000000'),
      written.replace(keyHash, keyHash.toUpperCase() === keyHash ? 'zzzzzzzz' : keyHash.toUpperCase()),
      `${name}+${keyHash}+${base64(Buffer.concat([Buffer.of(2), bytes.subarray(1)]))}`,
      `${name}+${keyHash}+${base64(bytes.subarray(0, -1))}`,
      `${name}+${keyHash}+${base64(Buffer.concat([bytes, Buffer.of(0)]))}`,
      ` ${written}`,
      `${written}\n`,
    ]
    assert.ok(key.length > 0)
    for (const each of spoiled) assert.equal(parseVerifierKey(each), undefined, each)
  })
  test('has a name of at most 256 characters', () => {
    for (const [length, isRead] of [
      [256, true],
      [257, false],
    ] as const) {
      const written = formatVerifierKey(verifierKeyOf('n'.repeat(length), spki))
      assert.equal(parseVerifierKey(written) !== undefined, isRead)
    }
  })
  test('is Ed25519 alone', async () => {
    const ec = exportPublicKey(await generateEc('P-256'))
    for (const bytes of [ec, spki.subarray(1), new Uint8Array(44), new Uint8Array(0)]) {
      assert.throws(() => verifierKeyOf(name, bytes), RangeError)
    }
  })
})

describe('a signed note', () => {
  const note = sign(text, name)
  test('is its text, an empty line and its signatures', () => {
    assert.ok(note.startsWith(`${text}\n— ${name} `))
    const read = parseNote(note)
    assert.equal(read?.text, text)
    assert.deepEqual(
      read.signatures.map((each) => [
        each.name,
        Buffer.from(each.keyHash).toString('hex'),
        each.signature.length,
      ]),
      [[name, Buffer.from(own.keyHash).toString('hex'), 64]],
    )
    assert.equal(judgeNote(read, [own]), 'signed')
  })
  test('is unknown without its key, and forged where a known key did not sign it', async () => {
    const read = parseNote(note)
    assert.ok(read !== undefined)
    const other = verifierKeyOf(name, exportPublicKey(await generateEd25519()))
    assert.equal(judgeNote(read, []), 'unknown')
    assert.equal(judgeNote(read, [other]), 'unknown')
    assert.equal(judgeNote(read, [{ ...own, name: 'another' }]), 'unknown')
    assert.equal(judgeNote(read, [other, own]), 'signed')
    assert.equal(judgeNote({ ...read, text: `${text}more\n` }, [own]), 'forged')
    const stranger = { name: 'a stranger', keyHash: hash(1).subarray(0, 4), signature: hash(2) }
    assert.equal(judgeNote({ ...read, signatures: [stranger, ...read.signatures] }, [own]), 'signed')
    const forged = { name, keyHash: own.keyHash, signature: new Uint8Array(64) }
    assert.equal(judgeNote({ ...read, signatures: [...read.signatures, forged] }, [own]), 'forged')
    assert.equal(judgeNote({ ...read, signatures: [forged, ...read.signatures] }, [own]), 'forged')
  })
  test('has a limit of signatures, and at least one', () => {
    const line = note.slice(note.lastIndexOf('— '))
    assert.equal(parseNote(`${text}\n${line.repeat(64)}`)?.signatures.length, 64)
    assert.equal(parseNote(`${text}\n${line.repeat(65)}`), undefined)
    assert.equal(parseNote(`${text}\n`), undefined)
  })
  test('may have empty lines in its text', () => {
    assert.equal(parseNote(sign('a\n\nb\n', name))?.text, 'a\n\nb\n')
  })
  test('with anything else is none', () => {
    const short = base64(own.keyHash)
    const spoiled = [
      '',
      text,
      note.slice(0, -1),
      note.replace('— ', '- '),
      note.replace('— ', '—'),
      note.replace('one', 'one\u0000'),
      note.replace('one', 'one\r'),
      note.replace('one', 'o\ud800ne'),
      `${text}\n— ${name} ${short}\n`,
      `${text}\n— ${name} no*base64\n`,
      `${note}more\n`,
      `${'a'.repeat(1_000_000)}\n\n${note.slice(note.lastIndexOf('— '))}`,
    ]
    for (const each of spoiled) assert.equal(parseNote(each), undefined, each.slice(0, 80))
    assert.equal(
      parseNote(`${text}\n— ${name} ${base64(Buffer.concat([own.keyHash, Buffer.of(7)]))}\n`)?.signatures
        .length,
      1,
    )
  })
})

describe('a checkpoint', () => {
  const signCheckpoint = checkpointSigner(material)
  const noteWith = (lines: string) => sign(lines, name)
  const root = base64(hash(7))

  test('is read as it was signed', () => {
    const plain = { origin: name, size: 7, rootHash: hash(7) }
    const restored = { size: 9, rootHash: hash(9) }
    for (const checkpoint of [plain, { ...plain, restored }, { ...plain, size: 0 }]) {
      const parsed = parseCheckpoint(signCheckpoint(checkpoint))
      assert.ok(parsed !== undefined)
      assert.equal(judgeNote(parsed.note, [own]), 'signed')
      const { restored: found, ...head } = parsed.checkpoint
      assert.deepEqual([head.origin, head.size, base64(head.rootHash)], [name, checkpoint.size, root])
      assert.deepEqual(found?.size, 'restored' in checkpoint ? 9 : undefined)
      if (found !== undefined) assert.equal(base64(found.rootHash), base64(hash(9)))
    }
    assert.equal('restored' in (parseCheckpoint(signCheckpoint(plain))?.checkpoint ?? {}), false)
    assert.equal(parseNote(signCheckpoint(plain))?.text, `${name}\n7\n${root}\n`)
  })
  test('keeps its head beside extensions that we do not know', () => {
    const { checkpoint } = parseCheckpoint(noteWith(`${name}\n7\n${root}\nextension\nrestored 1 x\n`)) ?? {}
    assert.deepEqual([checkpoint?.size, checkpoint?.restored], [7, undefined])
  })
  test('without a name, a size or a root hash is none', () => {
    const spoiled = [
      `\n7\n${root}\n`,
      `${name}\n07\n${root}\n`,
      `${name}\n-1\n${root}\n`,
      `${name}\n7\n${base64(hash(7).subarray(1))}\n`,
      `${name}\n7\nno base64\n`,
      `${name}\n7\n`,
      `${name}\n7\n${root}\n\nmore\n`,
      `${'n'.repeat(257)}\n7\n${root}\n`,
    ]
    for (const each of spoiled) assert.equal(parseCheckpoint(noteWith(each)), undefined, each)
    assert.equal(parseCheckpoint('nothing'), undefined)
    assert.equal(parseCheckpoint(noteWith(`${'n'.repeat(256)}\n7\n${root}\n`))?.checkpoint.size, 7)
  })
  test('has a size without leading zeros up to 2^53 - 1', () => {
    assert.deepEqual(['0', '1', '10', '9007199254740991'].map(parseSize), [0, 1, 10, 2 ** 53 - 1])
    for (const text of [
      '',
      '00',
      '01',
      '+1',
      '1.0',
      '1e3',
      ' 1',
      '1 ',
      '9007199254740992',
      '10000000000000000000',
    ]) {
      assert.equal(parseSize(text), undefined, text)
    }
  })
})

describe('the text of a proof', () => {
  const checkpoint = 'origin\n5\nroot\n\n— signature\n'
  const path = [hash(1), hash(2)]
  const bytesOf = (hashes: readonly Uint8Array[] | undefined) => hashes?.map(base64)

  test('of inclusion is read as it was written', () => {
    for (const extra of [undefined, utf8('{"i":3}'), new Uint8Array(0)]) {
      const given = extra === undefined ? {} : { extra }
      const read = parseInclusionProof(formatInclusionProof({ index: 3, path, checkpoint, ...given }))
      assert.deepEqual([read?.index, bytesOf(read?.path), read?.checkpoint], [3, bytesOf(path), checkpoint])
      assert.equal(read?.extra && base64(read.extra), extra && base64(extra))
    }
    assert.equal(
      formatInclusionProof({ index: 3, extra: utf8('x'), path: [hash(0)], checkpoint: 'c' }),
      `c2sp.org/tlog-proof@v1\nextra eA==\nindex 3\n${base64(hash(0))}\n\nc`,
    )
  })
  test('of consistency is read as it was written', () => {
    for (const hashes of [path, []]) {
      const read = parseConsistencyProof(formatConsistencyProof({ from: 5, path: hashes, checkpoint }))
      assert.deepEqual([read?.from, bytesOf(read?.path), read?.checkpoint], [5, bytesOf(hashes), checkpoint])
    }
    const text = formatConsistencyProof({ from: 5, path: [hash(0)], checkpoint: 'c' })
    assert.equal(text, `old 5\n${base64(hash(0))}\n\nc`)
  })
  test('is none when a line is missing or is another', () => {
    const inclusion = formatInclusionProof({ index: 3, extra: utf8('x'), path, checkpoint })
    const spoiled = [
      '',
      inclusion.replace('@v1', '@v2'),
      inclusion.replace('eA==', 'eA'),
      inclusion.replace('index 3\n', ''),
      inclusion.replace('index 3', 'index 03'),
      inclusion.replace('index ', 'Index '),
      inclusion.replace(base64(hash(1)), 'no hash'),
      inclusion.replace(base64(hash(1)), base64(hash(1).subarray(1))),
      inclusion.split('\n\n')[0] ?? '',
    ]
    for (const each of spoiled) assert.equal(parseInclusionProof(each), undefined, each)
    const consistency = formatConsistencyProof({ from: 5, path, checkpoint })
    for (const each of [
      '',
      consistency.replace('old', 'new'),
      consistency.replace('old 5', 'old'),
      consistency.replace('old 5', 'old 05'),
      consistency.replace('old 5\n', ''),
      consistency.replace(base64(hash(2)), 'x'),
      consistency.replace(base64(hash(2)), base64(new Uint8Array(33))),
      consistency.split('\n\n')[0] ?? '',
      consistency.replace('\n', '\n\n').replace('old 5', 'old x'),
    ]) {
      assert.equal(parseConsistencyProof(each), undefined, each)
    }
  })
  test('has at most 63 hashes', () => {
    const long = (count: number) => Array.from({ length: count }, () => hash(1))
    for (const [count, isRead] of [
      [63, true],
      [64, false],
    ] as const) {
      const text = formatConsistencyProof({ from: 5, path: long(count), checkpoint })
      assert.equal(parseConsistencyProof(text) !== undefined, isRead)
      const inclusion = formatInclusionProof({ index: 5, path: long(count), checkpoint })
      assert.equal(parseInclusionProof(inclusion) !== undefined, isRead)
    }
  })
})
