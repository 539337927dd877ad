import { createPublicKey } from 'node:crypto'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { type AlgorithmName, isAlgorithmName } from '../../src/model/algorithm-name.ts'
import { bytesOf, numberOf, testWycheproof, type WycheproofCase, type WycheproofGroup } from './wycheproof.ts'

function verifies(name: AlgorithmName, publicKey: Buffer, vector: WycheproofCase): boolean {
  const [message, signature] = [bytesOf(vector.fields, 'msg'), bytesOf(vector.fields, 'sig')]
  return algorithmFor(name).signing!.verifyWithPublicKey(publicKey, message, signature)
}

for (const [file, name] of [
  ['ecdsa_secp256r1_sha256_test.json', 'ecdsa-p256'],
  ['ecdsa_secp384r1_sha384_test.json', 'ecdsa-p384'],
  ['ecdsa_secp521r1_sha512_test.json', 'ecdsa-p521'],
  ['ed25519_test.json', 'ed25519'],
] as const) {
  testWycheproof({
    file,
    check: (group, vector) => verifies(name, bytesOf(group.fields, 'publicKeyDer'), vector),
  })
}

function rsaRowOf(group: WycheproofGroup): AlgorithmName {
  const name = `rsa-${numberOf(group.fields, 'keySize')}`
  if (!isAlgorithmName(name)) throw new Error('unreachable: notExpressible comes first')
  return name
}

function otherParameters({ fields }: WycheproofGroup): string | undefined {
  if (!isAlgorithmName(`rsa-${numberOf(fields, 'keySize')}`)) return 'with another modulus size: no row'
  const ours = fields['sha'] === 'SHA-256' && fields['mgfSha'] === 'SHA-256' && fields['sLen'] === 32
  return ours ? undefined : 'with parameters other than SHA-256, MGF1-SHA-256 and a salt of 32: no row'
}

for (const file of [
  'rsa_pss_2048_sha256_mgf1_32_test.json',
  'rsa_pss_3072_sha256_mgf1_32_test.json',
  'rsa_pss_4096_sha256_mgf1_32_test.json',
  'rsa_pss_misc_test.json',
  // Their keys are bound to PSS (id-RSASSA-PSS), a form that we refuse; their PKCS#1 form is the plain one.
  'rsa_pss_2048_sha256_mgf1_32_params_test.json',
  'rsa_pss_3072_sha256_mgf1_32_params_test.json',
  'rsa_pss_misc_params_test.json',
]) {
  testWycheproof({
    file,
    notExpressible: otherParameters,
    check: (group, vector) =>
      verifies(rsaRowOf(group), plainSpki(bytesOf(group.fields, 'publicKeyAsn')), vector),
  })
}

function plainSpki(pkcs1: Buffer): Buffer {
  return createPublicKey({ key: pkcs1, format: 'der', type: 'pkcs1' }).export({ format: 'der', type: 'spki' })
}
