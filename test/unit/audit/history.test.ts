import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addToHistory,
  currentLine,
  EMPTY_HISTORY,
  formatHistory,
  type KeptCheckpoint,
  newestOf,
  parseHistory,
} from '../../../src/audit/checkpoint/history.ts'
import { generateEd25519 } from '../../../src/crypto/key-pair.ts'
import type { TreeHead } from '../../../src/crypto/transparency/checkpoint.ts'
import { parseVerifierKey } from '../../../src/crypto/transparency/signed-note.ts'
import { signingAs } from './signed-log.ts'

const origin = 'coffre/a'
const { signer, verifierKey } = signingAs(origin, await generateEd25519())
const key = parseVerifierKey(verifierKey)
assert.ok(key !== undefined)
const keys = [key]
const stranger = signingAs('coffre/b', await generateEd25519())

const rootHash = (fill: number) => new Uint8Array(32).fill(fill)

function noteOf(size: number, restored?: TreeHead): Promise<string> {
  const changes = restored === undefined ? {} : { restored }
  return signer.sign({ origin, size, rootHash: rootHash(size), ...changes })
}

const [two, five, nine] = [await noteOf(2), await noteOf(5), await noteOf(9)]
const begins = await noteOf(3, { size: 9, rootHash: rootHash(9) })
const foreign = await stranger.signer.sign({ origin: 'coffre/b', size: 9, rootHash: rootHash(9) })

function read(...notes: readonly string[]) {
  const { kept, isDamaged } = parseHistory(notes.join('\n'), keys)
  return { sizes: kept.map(({ checkpoint }) => checkpoint.size), isDamaged }
}

describe('a history that is read', () => {
  test('is what was written, note by note', () => {
    const text = [two, five, nine].join('\n')
    const history = parseHistory(text, keys)
    assert.deepEqual(read(two, five, nine), { sizes: [2, 5, 9], isDamaged: false })
    assert.deepEqual(
      history.kept.map(({ note, verdict }) => [note, verdict]),
      [two, five, nine].map((note) => [note, 'signed']),
    )
    assert.equal(formatHistory(history), text)
  })
  test('is empty where there is no text', () => {
    assert.deepEqual(parseHistory('', keys), { kept: [], isDamaged: false })
  })
  test('may repeat a size but not go back, unless a new line begins', () => {
    assert.equal(read(two, two).isDamaged, false)
    assert.deepEqual(read(five, two), { sizes: [5, 2], isDamaged: true })
    assert.deepEqual(read(five, nine, begins, five), { sizes: [5, 9, 3, 5], isDamaged: false })
    assert.equal(read(nine, begins, two).isDamaged, true)
  })
  test('keeps what reads of a damaged text', () => {
    assert.deepEqual(read(two, five.replace('\n5\n', '\n6\n'), nine), { sizes: [2, 9], isDamaged: true })
    assert.deepEqual(read(two, 'no note\n'), { sizes: [2], isDamaged: true })
    assert.deepEqual(parseHistory(two.slice(0, -1), keys).isDamaged, true)
  })
  test('is damaged where a stranger signed in the present line, but not without a key to tell', () => {
    assert.equal(read(two, foreign).isDamaged, true)
    assert.equal(read(foreign, begins).isDamaged, false)
    const { kept, isDamaged } = parseHistory([two, foreign].join('\n'), [])
    assert.deepEqual([kept.map(({ verdict }) => verdict), isDamaged], [['unknown', 'unknown'], false])
  })
})

describe('the present line', () => {
  const kept = (...notes: readonly string[]) => parseHistory(notes.join('\n'), keys).kept
  const sizes = (line: readonly KeptCheckpoint[]) => line.map(({ checkpoint }) => checkpoint.size)

  test('is everything, or what follows the last accepted restore', () => {
    assert.deepEqual(sizes(currentLine(kept(two, five))), [2, 5])
    assert.deepEqual(sizes(currentLine(kept(two, nine, begins, five))), [3, 5])
    assert.deepEqual(sizes(currentLine([])), [])
  })
  test('is not begun by somebody else', () => {
    const other = kept(two, nine, begins).map((each) => ({ ...each, verdict: 'unknown' as const }))
    assert.deepEqual(sizes(currentLine(other)), [2, 9, 3])
  })
  test('has the greatest size as its newest, wherever it stands', () => {
    assert.equal(newestOf(kept(nine, two, five))?.checkpoint.size, 9)
    assert.equal(newestOf(kept(nine, begins, five))?.checkpoint.size, 5)
    assert.equal(newestOf([]), undefined)
  })
})

test('a long history loses every second note of its older half, but no beginning of a line', () => {
  const plain = (size: number): KeptCheckpoint => {
    return { checkpoint: { origin, size, rootHash: rootHash(0) }, note: '', verdict: 'signed' }
  }
  let history = EMPTY_HISTORY
  for (let size = 0; size < 512; size += 1) {
    const added = plain(size)
    const restored = { size: 9, rootHash: rootHash(9) }
    const begun = { ...added, checkpoint: { ...added.checkpoint, restored } }
    history = addToHistory(history, size === 101 ? begun : added)
  }
  assert.equal(history.kept.length, 512)
  const sizes = addToHistory(history, plain(512)).kept.map(({ checkpoint }) => checkpoint.size)
  const older = Array.from({ length: 128 }, (_, at) => 2 * at)
  const newer = Array.from({ length: 257 }, (_, at) => 256 + at)
  assert.deepEqual(
    sizes,
    [...older, 101, ...newer].toSorted((left, right) => left - right),
  )
})
