import assert from 'node:assert/strict'
import { openAesGcm, sealAesGcm } from '../../src/crypto/aes-gcm.ts'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { bytesOf, numberOf, testWycheproof, type WycheproofCase } from './wycheproof.ts'

function keyOf(vector: WycheproofCase): KeyMaterial {
  return new KeyMaterial(bytesOf(vector.fields, 'key'))
}

testWycheproof({
  file: 'aes_gcm_test.json',
  notExpressible(group, vector) {
    if (numberOf(group.fields, 'keySize') !== 256) return 'with a key of 128 or 192 bits: AES-256 only'
    if (numberOf(group.fields, 'ivSize') === 96) return undefined
    // Both directions throw, so no caller can use such a nonce by accident.
    const input = {
      key: keyOf(vector).secretKey(),
      nonce: bytesOf(vector.fields, 'iv'),
      associatedData: new Uint8Array(0),
    }
    assert.throws(() => sealAesGcm(input, new Uint8Array(1)), RangeError)
    assert.throws(() => openAesGcm(input, new Uint8Array(17)), RangeError)
    return 'with a nonce other than 96 bits: refused'
  },
  check(_group, vector) {
    const [message, body, tag] = ['msg', 'ct', 'tag'].map((name) => bytesOf(vector.fields, name))
    const input = {
      key: keyOf(vector).secretKey(),
      nonce: bytesOf(vector.fields, 'iv'),
      associatedData: bytesOf(vector.fields, 'aad'),
    }
    const sealed = Buffer.concat([body!, tag!])
    const opened = openAesGcm(input, sealed)
    return opened !== undefined && message!.equals(opened) && sealed.equals(sealAesGcm(input, message!))
  },
})

for (const [file, name] of [
  ['aes_wrap_test.json', 'aes256-kw'],
  ['aes_kwp_test.json', 'aes256-kwp'],
] as const) {
  testWycheproof({
    file,
    notExpressible: (group) =>
      numberOf(group.fields, 'keySize') === 256 ? undefined : 'with a key of 128 or 192 bits: AES-256 only',
    // ShortKey: one semiblock alone is outside RFC 3394, section 2, so we refuse it.
    accepts: () => false,
    check(_group, vector) {
      const wrapping = algorithmFor(name).wrapping!
      const inner = new KeyMaterial(bytesOf(vector.fields, 'msg'))
      const blob = bytesOf(vector.fields, 'ct')
      const opened = wrapping.unwrap(keyOf(vector), blob)
      return opened !== undefined && opened.equals(inner) && blob.equals(wrapping.wrap(keyOf(vector), inner))
    },
  })
}

for (const [file, name, tagBits] of [
  ['hmac_sha256_test.json', 'hmac-sha256', 256],
  ['hmac_sha384_test.json', 'hmac-sha384', 384],
  ['hmac_sha512_test.json', 'hmac-sha512', 512],
] as const) {
  const mac = algorithmFor(name).mac!
  testWycheproof({
    file,
    notExpressible(group, vector) {
      if (numberOf(group.fields, 'tagSize') === tagBits) return undefined
      assert.equal(
        mac.verify(keyOf(vector), bytesOf(vector.fields, 'msg'), bytesOf(vector.fields, 'tag')),
        false,
      )
      return 'with a truncated tag: refused'
    },
    check(_group, vector) {
      const [message, tag] = [bytesOf(vector.fields, 'msg'), bytesOf(vector.fields, 'tag')]
      const made = Buffer.from(mac.mac(keyOf(vector), message))
      assert.equal(made.equals(tag), mac.verify(keyOf(vector), message, tag))
      return mac.verify(keyOf(vector), message, tag)
    },
  })
}
