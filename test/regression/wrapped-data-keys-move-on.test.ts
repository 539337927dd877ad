import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { encryptFile } from '../../src/app.ts'
import { failsWith, openTemporary } from '../temporary.ts'

const coffre = await openTemporary({ after })
await coffre.keys.create({ name: 'wrapping', algorithm: 'aes256-kwp' })
await coffre.keys.create({ name: 'encrypting' })

test('a data key under a wrapping key is rewrapped to its current version', async () => {
  const dataKey = await coffre.generateDataKey({ key: 'wrapping' })
  await coffre.keys.rotate('wrapping')
  const again = await coffre.rewrap({ ciphertext: dataKey.ciphertext })
  assert.equal(again.version, dataKey.version + 1)
  const { plaintext } = await coffre.decrypt({ ciphertext: again.ciphertext })
  assert.deepEqual(Buffer.from(plaintext), Buffer.from(dataKey.plaintext ?? ''))
})

test('a rewrap puts nothing else under a wrapping key', async () => {
  const { ciphertext } = await coffre.encrypt({ key: 'encrypting', plaintext: 'p' })
  await assert.rejects(coffre.rewrap({ ciphertext, toKey: 'wrapping' }), failsWith('PURPOSE_MISMATCH'))
})

test('a file is not encrypted under a wrapping key, which binds no context', async () => {
  const source = ReadableStream.from([Buffer.from('p')])
  await assert.rejects(encryptFile(coffre, source, { key: 'wrapping' }), failsWith('PURPOSE_MISMATCH'))
})
