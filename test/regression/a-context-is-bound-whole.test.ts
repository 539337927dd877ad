import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ContextPairs } from '../../src/model/coffre.ts'
import { failsWith, openTemporary } from '../temporary.ts'

const coffre = await openTemporary({ after })
await coffre.keys.create({ name: 'k' })

/** What JavaScript lets through although the types do not. */
const NO_CONTEXTS: readonly unknown[] = [null, new Map([['name', 'value']]), ['value'], 'value', 5, true]

for (const [index, context] of NO_CONTEXTS.entries()) {
  test(`what is no object of texts is refused, not taken for an empty context (${index})`, async () => {
    const request = { key: 'k', plaintext: 'p', context: context as ContextPairs }
    await assert.rejects(coffre.encrypt(request), failsWith('INVALID_REQUEST'))
  })
}

test('a pair named __proto__ is bound like any other', async () => {
  const context = JSON.parse('{"__proto__":"value"}') as ContextPairs
  const { ciphertext } = await coffre.encrypt({ key: 'k', plaintext: 'p', context })
  await assert.rejects(coffre.decrypt({ ciphertext }), failsWith('DECRYPTION_FAILED'))
  const { plaintext } = await coffre.decrypt({ ciphertext, context })
  assert.equal(Buffer.from(plaintext).toString(), 'p')
})
