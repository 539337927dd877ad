import { deriveHkdf } from '../../src/crypto/derive.ts'
import {
  deriveHkdfUnchecked,
  derivePbkdf2Unchecked,
  type HkdfParameters,
} from '../../src/crypto/derive-unchecked.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { hasCode } from '../../src/model/errors.ts'
import { bytesOf, numberOf, testWycheproof, type WycheproofCase } from './wycheproof.ts'

/** Through the guarded function; what only our floors refuse goes through the unchecked one. */
function deriveAny(
  inputKey: Buffer,
  parameters: HkdfParameters,
  vector: WycheproofCase,
): KeyMaterial | undefined {
  try {
    return deriveHkdf(new KeyMaterial(inputKey), parameters)
  } catch (error) {
    if (!hasCode(error, 'PARAMETERS_REFUSED')) throw error
    return vector.result === 'valid' ? deriveHkdfUnchecked(inputKey, parameters) : undefined
  }
}

for (const [digest, hkdfFile, pbkdf2File] of [
  ['sha256', 'hkdf_sha256_test.json', 'pbkdf2_hmacsha256_test.json'],
  ['sha384', 'hkdf_sha384_test.json', 'pbkdf2_hmacsha384_test.json'],
  ['sha512', 'hkdf_sha512_test.json', 'pbkdf2_hmacsha512_test.json'],
] as const) {
  testWycheproof({
    file: hkdfFile,
    check(_group, vector) {
      const [inputKey, salt, info] = ['ikm', 'salt', 'info'].map((name) => bytesOf(vector.fields, name))
      const parameters = { digest, salt: salt!, info: info!, length: numberOf(vector.fields, 'size') }
      const expected = new KeyMaterial(bytesOf(vector.fields, 'okm'))
      return deriveAny(inputKey!, parameters, vector)?.equals(expected) ?? false
    },
  })

  testWycheproof({
    file: pbkdf2File,
    async check(_group, vector) {
      const derived = await derivePbkdf2Unchecked(bytesOf(vector.fields, 'password'), {
        digest,
        iterations: numberOf(vector.fields, 'iterationCount'),
        salt: bytesOf(vector.fields, 'salt'),
        length: numberOf(vector.fields, 'dkLen'),
      })
      return derived.equals(new KeyMaterial(bytesOf(vector.fields, 'dk')))
    },
  })
}
