import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openTemporary } from '../temporary.ts'

const ITEMS = 400

const coffre = await openTemporary({ after })
await coffre.keys.create({ name: 'slow', algorithm: 'ecdsa-p521' })
await coffre.keys.create({ name: 'quick' })

test('a short request is answered while a long batch of signatures runs', async () => {
  const finished: string[] = []
  const items = Array.from({ length: ITEMS }, () => ({ key: 'slow', message: 'm' }))
  const long = coffre.batch('sign', items).then((outcomes) => {
    finished.push('long')
    return outcomes
  })
  await new Promise((resolve) => setImmediate(resolve))
  await coffre.encrypt({ key: 'quick', plaintext: 'p' }).then(() => finished.push('short'))
  const outcomes = await long
  assert.deepEqual(finished, ['short', 'long'])
  assert.equal(outcomes.filter(({ ok }) => ok).length, ITEMS)
})

test('a key that is suspended while a long batch runs signs no further item', async () => {
  const items = Array.from({ length: ITEMS }, () => ({ key: 'slow', message: 'm' }))
  const long = coffre.batch('sign', items)
  await new Promise((resolve) => setImmediate(resolve))
  await coffre.keys.suspend('slow')
  const outcomes = await long
  const last = outcomes.at(-1)
  assert.ok(last?.ok === false && last.error.code === 'KEY_SUSPENDED')
})
