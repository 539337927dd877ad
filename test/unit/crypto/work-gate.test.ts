import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkGate } from '../../../src/crypto/work-gate.ts'

test('no more jobs run at once than there are slots, and all run in their order', async () => {
  const gate = new WorkGate({ slots: 2, maxWaiting: 10 })
  const [started, jobs] = [[] as number[], Array.from({ length: 6 }, () => Promise.withResolvers<number>())]
  const runs = jobs.map((job, index) =>
    gate.run(() => {
      started.push(index)
      return job.promise
    }),
  )
  for (const [index, job] of jobs.entries()) {
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(started.length, Math.min(index + 2, jobs.length))
    job.resolve(index)
    assert.equal(await runs[index], index)
  }
  assert.deepEqual(started, [0, 1, 2, 3, 4, 5])
})

test('a job that fails gives its slot back', async () => {
  const gate = new WorkGate({ slots: 1, maxWaiting: 1 })
  await assert.rejects(
    gate.run(() => Promise.reject(new RangeError('no'))),
    RangeError,
  )
  assert.equal(await gate.run(() => Promise.resolve('yes')), 'yes')
})

test('one more than may wait is refused', async () => {
  const gate = new WorkGate({ slots: 1, maxWaiting: 1 })
  const job = Promise.withResolvers<string>()
  const [running, waiting] = [gate.run(() => job.promise), gate.run(() => Promise.resolve('second'))]
  await assert.rejects(
    gate.run(() => Promise.resolve('third')),
    { code: 'BUSY' },
  )
  job.resolve('first')
  assert.deepEqual(await Promise.all([running, waiting]), ['first', 'second'])
})
