import assert from 'node:assert/strict'
import { test } from 'node:test'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { oaepDecrypt } from '../../src/crypto/rsa-oaep.ts'
import { isAlgorithmName } from '../../src/model/algorithm-name.ts'
import { CoffreError, hasCode } from '../../src/model/errors.ts'
import {
  bytesOf,
  numberOf,
  readGroups,
  SKIP_WITHOUT_VECTORS,
  testWycheproof,
  type WycheproofGroup,
} from './wycheproof.ts'

const materials = new WeakMap<WycheproofGroup, KeyMaterial>()

/** Material of the group's key once its row has checked it, or the reason against it. */
function materialOf(group: WycheproofGroup): KeyMaterial | string {
  const known = materials.get(group)
  if (known !== undefined) return known
  if (group.fields['sha'] !== 'SHA-256' || group.fields['mgfSha'] !== 'SHA-256') {
    return 'with hashes other than SHA-256 and MGF1-SHA-256: no row'
  }
  const name = `rsa-${numberOf(group.fields, 'keySize')}`
  if (!isAlgorithmName(name)) return 'with another modulus size: no row'
  const material = new KeyMaterial(bytesOf(group.fields, 'privateKeyPkcs8'))
  try {
    algorithmFor(name).check(material)
  } catch (error) {
    if (hasCode(error, 'KEY_REFUSED')) return 'with a key that import refuses'
    throw error
  }
  materials.set(group, material)
  return material
}

for (const file of [
  'rsa_oaep_2048_sha256_mgf1sha256_test.json',
  'rsa_oaep_3072_sha256_mgf1sha256_test.json',
  'rsa_oaep_4096_sha256_mgf1sha256_test.json',
  'rsa_oaep_misc_test.json',
]) {
  testWycheproof({
    file,
    notExpressible(group) {
      const material = materialOf(group)
      return typeof material === 'string' ? material : undefined
    },
    check(group, vector) {
      const material = materialOf(group)
      if (typeof material === 'string') throw new Error('unreachable: notExpressible comes first')
      const [message, block, label] = ['msg', 'ct', 'label'].map((name) => bytesOf(vector.fields, name))
      const opened = oaepDecrypt(material, block!, label!)
      return opened !== undefined && message!.equals(opened)
    },
  })
}

test('a private key of three primes is refused at import', { skip: SKIP_WITHOUT_VECTORS }, (context) => {
  const file = 'rsa_three_primes_oaep_4096_sha256_mgf1sha256_test.json'
  const groups = readGroups(file)
  for (const { fields } of groups) {
    const material = new KeyMaterial(bytesOf(fields, 'privateKeyPkcs8'))
    assert.throws(
      () => algorithmFor('rsa-4096').check(material),
      (error) => error instanceof CoffreError && error.facts['rule'] === 'rsa-numbers',
    )
  }
  context.diagnostic(
    `vectors: ${file} not expressible: its ${groups.length} key has three primes, refused at import`,
  )
})
