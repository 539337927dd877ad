import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findDisagreement } from '../../../src/audit/vouching.ts'

const origin = 'coffre/a'
const root = (fill: number) => new Uint8Array(32).fill(fill)
const roots = new Map([2, 5, 8].map((size) => [size, root(size)]))
const head = { size: 8, rootHash: root(8) }
const at = (size: number, changes: object = {}) => ({ origin, size, rootHash: root(size), ...changes })

test('a log agrees with checkpoints of its own, in whatever order', () => {
  assert.equal(findDisagreement({ head, origin, roots, vouching: [at(8), at(2), at(5)] }), undefined)
  assert.equal(findDisagreement({ head, origin: undefined, roots, vouching: [at(2)] }), undefined)
  assert.equal(findDisagreement({ head, origin, roots, vouching: [] }), undefined)
})

test('a fork begins after the last checkpoint that agrees', () => {
  const forked = at(8, { rootHash: root(9) })
  assert.deepEqual(findDisagreement({ head, origin, roots, vouching: [forked, at(5), at(2)] }), {
    index: 5,
    reason: 'forked',
  })
  assert.deepEqual(findDisagreement({ head, origin, roots, vouching: [at(7)] }), {
    index: 0,
    reason: 'forked',
  })
})

test('a checkpoint of another log is a fork', () => {
  const vouching = [at(2), at(5, { origin: 'coffre/b' })]
  assert.deepEqual(findDisagreement({ head, origin, roots, vouching }), { index: 2, reason: 'forked' })
  assert.equal(findDisagreement({ head, origin: undefined, roots, vouching }), undefined)
})

test('a checkpoint of a longer log shows a log that was rolled back, with the first index that is lost', () => {
  assert.deepEqual(findDisagreement({ head, origin, roots, vouching: [at(2), at(9)] }), {
    index: 8,
    reason: 'rolled back',
  })
})
