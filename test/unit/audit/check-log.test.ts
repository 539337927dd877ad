import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type FoundRecord, LogCheck } from '../../../src/audit/check-log.ts'
import { formatRecord, NO_PREVIOUS } from '../../../src/audit/audit-record.ts'
import { utf8 } from '../../../src/crypto/bytes.ts'
import {
  appendLeaves,
  EMPTY_FRONTIER,
  leafHash,
  rootHash,
  type TreeNode,
} from '../../../src/crypto/merkle.ts'
import { parseTenantId } from '../../../src/model/ids.ts'
import { NOW, SAMPLE_EVENT } from '../../conformance/store/sample.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function makeRecords(count: number): readonly Required<Omit<FoundRecord, 'tenant'>>[] {
  let previous = NO_PREVIOUS
  return Array.from({ length: count }, (_, index) => {
    const body = formatRecord({ index, previous, at: NOW }, SAMPLE_EVENT)
    const leaf = leafHash(utf8(body))
    previous = hex(leaf)
    return { index, body, leafHash: leaf }
  })
}

function rootOf(records: readonly { readonly leafHash: Uint8Array }[]): string {
  const leaves = records.map((record) => record.leafHash)
  return hex(rootHash(appendLeaves(EMPTY_FRONTIER, leaves)))
}

/** The same record with another body, and the leaf hash that belongs to it. */
function rewrite(record: FoundRecord | undefined, change: (body: string) => string): FoundRecord {
  assert.ok(record !== undefined)
  const body = change(record.body)
  return { ...record, body, leafHash: leafHash(utf8(body)) }
}

const records = makeRecords(10)

describe('a log that is checked', () => {
  test('has the root hashes that were asked for, however it comes in pieces', () => {
    for (const cuts of [[10], [1, 9], [3, 3, 4], [0, 10]]) {
      const roots: [number, string][] = []
      const check = new LogCheck({
        sizes: [10, 3, 0, 3, 7],
        onRoot: (size, root) => roots.push([size, hex(root)]),
      })
      let from = 0
      for (const cut of cuts) {
        assert.equal(check.add(records.slice(from, from + cut)), undefined)
        from += cut
      }
      const expected = [0, 3, 7, 10].map((size) => [size, rootOf(records.slice(0, size))])
      assert.deepEqual(roots, expected)
      assert.equal(hex(rootHash(check.frontier)), rootOf(records))
      assert.equal(check.previous, hex(records[9]?.leafHash ?? new Uint8Array(0)))
    }
  })

  test('is continued from a known size, and asks nothing about what lies before', () => {
    const whole = new LogCheck()
    whole.add(records.slice(0, 6))
    const sizes: number[] = []
    const nodes: TreeNode[] = []
    const check = new LogCheck({
      frontier: whole.frontier,
      previous: whole.previous,
      sizes: [2, 6, 8],
      onRoot: (size) => sizes.push(size),
      onNode: (node) => nodes.push(node),
    })
    assert.equal(check.add(records.slice(6)), undefined)
    assert.deepEqual(sizes, [6, 8])
    assert.equal(hex(rootHash(check.frontier)), rootOf(records))
    assert.deepEqual(
      nodes.map(({ level, index }) => [level, index]),
      [
        [1, 3],
        [2, 1],
        [3, 0],
        [1, 4],
      ],
    )
  })

  test('needs no stored hash, as an export has none', () => {
    const bare = records.map(({ index, body }) => ({ index, body, tenant: 'another' }))
    assert.equal(new LogCheck().add(bare), undefined)
  })

  test('believes nothing after the first record that does not fit', () => {
    const check = new LogCheck()
    assert.deepEqual(check.add([...records.slice(0, 4), ...records.slice(5)]), {
      index: 4,
      reason: 'missing',
    })
    assert.equal(check.frontier.size, 0)
  })
})

describe('a record that does not fit', () => {
  const faultAt = (at: number, record: FoundRecord) => new LogCheck().add(records.with(at, record as never))

  test('is missing where another index stands', () => {
    assert.deepEqual(faultAt(0, { ...rewrite(records[0], String), index: 1 }), {
      index: 0,
      reason: 'missing',
    })
  })
  test('is changed where its body does not give its hash', () => {
    const body = records[4]?.body.replace('ok', 'ko') ?? ''
    assert.deepEqual(faultAt(4, { ...rewrite(records[4], String), body }), { index: 4, reason: 'changed' })
  })
  test('is changed where the column of its tenant contradicts the body', () => {
    const record = { ...rewrite(records[4], String), tenant: 'another' }
    assert.deepEqual(faultAt(4, record), { index: 4, reason: 'changed' })
  })
  test('is misplaced where its body names another index or is no record', () => {
    const bodies = [
      (body: string) => body.replace('"i":4', '"i":5'),
      () => 'null',
      () => '7',
      () => 'no JSON',
      () => '{}',
    ]
    for (const change of bodies) {
      assert.deepEqual(faultAt(4, rewrite(records[4], change)), { index: 4, reason: 'misplaced' })
    }
  })
  test('accuses the record before, where that was changed together with its hash', () => {
    const forged = rewrite(records[4], (body) => body.replace('ok', 'ko'))
    assert.deepEqual(faultAt(4, forged), { index: 4, reason: 'chain' })
    const first = rewrite(records[0], (body) => body.replace(NO_PREVIOUS, 'f'.repeat(64)))
    assert.deepEqual(faultAt(0, first), { index: 0, reason: 'chain' })
  })
})

test("another tenant's record is found by its column", () => {
  const tenant = parseTenantId('other')
  const event = { ...SAMPLE_EVENT, principal: { ...SAMPLE_EVENT.principal, tenant } }
  const body = formatRecord({ index: 0, previous: NO_PREVIOUS, at: NOW }, event)
  const record = { index: 0, body, leafHash: leafHash(utf8(body)) }
  assert.equal(new LogCheck().add([{ ...record, tenant }]), undefined)
  assert.deepEqual(new LogCheck().add([record]), { index: 0, reason: 'changed' })
})
