import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomKeyMaterial } from '../../src/crypto/random.ts'
import { UnsealedVault } from '../../src/seal/vault.ts'
import { KeyringCache } from '../../src/service/keys/keyring-cache.ts'
import type { ReadStore } from '../../src/store/store.ts'
import { sampleKey } from '../conformance/store/sample.ts'
import { failsWith } from '../temporary.ts'

test('material of a change that was committed while the Coffre was sealed is wiped', async () => {
  const makeSealKey = async () => ({ sealKey: randomKeyMaterial(32), parameters: new Uint8Array(0) })
  const seal = { name: 'file', create: makeSealKey, recover: () => assert.fail('not needed') } as const
  const { vault } = await UnsealedVault.create(seal)
  const cache = new KeyringCache({} as ReadStore, vault, async () => undefined)
  const key = sampleKey()
  const added = new Map(key.versions.map(({ version }) => [version, randomKeyMaterial(32)]))
  cache.clear()
  cache.replace(key, added)
  assert.ok(added.size > 0)
  for (const material of added.values()) {
    assert.throws(() => material.secretKey(), failsWith('KEY_VERSION_UNUSABLE'))
  }
})
