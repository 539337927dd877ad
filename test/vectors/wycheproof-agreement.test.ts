import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { bytesOf, testWycheproof, type WycheproofCase } from './wycheproof.ts'

/**
 * Twist points, non-canonical and small public values are what RFC 7748, section 5 asks every reader to take.
 * Only a shared secret of zeros is refused (section 6.1).
 */
function accepts(vector: WycheproofCase): boolean {
  return !vector.flags.includes('ZeroSharedSecret')
}

/** DER before the 32 raw bytes: RFC 8410, sections 4 and 7. */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')

interface Exchange {
  readonly privateKey: Buffer
  readonly publicKey: Buffer
  readonly shared: Buffer
}

function agrees({ privateKey, publicKey, shared }: Exchange): boolean {
  const material = new KeyMaterial(privateKey)
  algorithmFor('x25519').check(material)
  try {
    return algorithmFor('x25519').agreement!.agree(material, publicKey).equals(new KeyMaterial(shared))
  } catch (error) {
    // Any other refusal would be a key that does not load.
    if (error instanceof CoffreError && error.facts['rule'] === 'low-order') return false
    throw error
  }
}

testWycheproof({
  file: 'x25519_test.json',
  accepts,
  check: (_group, { fields }) =>
    agrees({
      privateKey: Buffer.concat([PKCS8_PREFIX, bytesOf(fields, 'private')]),
      publicKey: Buffer.concat([SPKI_PREFIX, bytesOf(fields, 'public')]),
      shared: bytesOf(fields, 'shared'),
    }),
})

function fromPem(value: unknown): Buffer {
  return Buffer.from(String(value).replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')
}

testWycheproof({
  file: 'x25519_pem_test.json',
  accepts,
  check: (_group, { fields }) =>
    agrees({
      privateKey: fromPem(fields['private']),
      publicKey: fromPem(fields['public']),
      shared: bytesOf(fields, 'shared'),
    }),
})
