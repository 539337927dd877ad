import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UseBudget } from '../../../src/keyring/usage.ts'
import { sampleKey, versionNumber } from '../../conformance/store/sample.ts'

const { id } = sampleKey()
const first = versionNumber(1)

test('a budget gives what was added to it, to the last use, and no more', () => {
  const budget = new UseBudget()
  assert.equal(budget.take(id, first, 1), false)
  budget.add(id, first, 3)
  budget.add(id, first, 2)
  assert.equal(budget.take(id, first, 4), true)
  assert.equal(budget.take(id, first, 2), false)
  assert.equal(budget.take(id, first, 1), true)
  assert.equal(budget.take(id, first, 1), false)
})

test('a refused use takes nothing', () => {
  const budget = new UseBudget()
  budget.add(id, first, 2)
  assert.equal(budget.take(id, first, 3), false)
  assert.equal(budget.take(id, first, 2), true)
})

test('every version of every key has a budget of its own', () => {
  const budget = new UseBudget()
  budget.add(id, first, 1)
  assert.equal(budget.take(id, versionNumber(2), 1), false)
  assert.equal(budget.take(sampleKey().id, first, 1), false)
  assert.equal(budget.take(id, first, 1), true)
})
