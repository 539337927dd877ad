import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldRefusals } from '../../../src/http/held-refusals.ts'
import { CoffreError } from '../../../src/model/errors.ts'

const LIMITED = new CoffreError('RATE_LIMITED', { facts: { retryAfterSeconds: 1 } })
const MANY = 1_000

test('only refusals of those who go on are held, and a bounded number of them', async () => {
  const refusals = new HeldRefusals()
  assert.equal(refusals.mayHold(new CoffreError('UNAUTHENTICATED')), false)
  assert.equal(refusals.mayHold(new Error('anything')), false)
  const holds: Promise<void>[] = []
  while (refusals.mayHold(LIMITED) && holds.length < MANY) holds.push(refusals.hold())
  assert.ok(holds.length > 0 && holds.length < MANY, `${holds.length} held`)
  // The timers themselves keep no process from ending.
  const alive = setInterval(() => undefined, 1_000)
  await Promise.all(holds)
  clearInterval(alive)
  assert.equal(refusals.mayHold(LIMITED), true)
})
