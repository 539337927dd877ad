import { checkPrimeSync, constants, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { refuseKey } from './key-rule.ts'

const MIN_EXPONENT = 65_537n // FIPS 186-5, section 5.1
/** FIPS 186-5, section 5.1. Larger ones burn the verifier's time and leave room for a small private exponent. */
const MAX_EXPONENT = 1n << 256n
/** A composite passes one Miller-Rabin round with chance 1/4 at most, so all with 2^-64. */
const PRIME_ROUNDS = { checks: 32 }

/** Refuses a public key of another size, with a weak exponent, or made by the Infineon library of CVE-2017-15361. */
export function checkRsaPublicKey(key: KeyObject, modulusBits: number): void {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (modulusLength !== modulusBits) refuseKey('rsa-modulus-bits')
  const exponent = publicExponent ?? 0n
  if (exponent < MIN_EXPONENT || exponent >= MAX_EXPONENT || exponent % 2n === 0n) refuseKey('rsa-exponent')
  if (hasRocaFingerprint(readNumber(key.export({ format: 'jwk' }).n))) refuseKey('rsa-roca')
}

/** FIPS 186-5's least, and what still verifies within a millisecond. */
const MIN_PEER_BITS = 2_048
const MAX_PEER_BITS = 8_192

/** Whether signatures of somebody else's key, as its JWK has it, may be believed. */
export function isSoundRsaJwk(jwk: { readonly n: string; readonly e: string }): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'RSA', n: jwk.n, e: jwk.e }, format: 'jwk' })
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
    if (modulusLength < MIN_PEER_BITS || modulusLength > MAX_PEER_BITS) return false
    checkRsaPublicKey(key, modulusLength)
    return true
  } catch {
    return false
  }
}

/** Refuses a private key whose numbers do not fit together, or whose primes are weak (FIPS 186-5, appendix A.1). */
export function checkRsaPrivateKey(key: KeyObject, modulusBits: number): void {
  checkRsaPublicKey(key, modulusBits)
  const jwk = key.export({ format: 'jwk' })
  const [n, e, d] = [readNumber(jwk.n), readNumber(jwk.e), readNumber(jwk.d)]
  const [p, q] = [readNumber(jwk.p), readNumber(jwk.q)]
  // A key of three primes fails here too: its first two do not give the modulus.
  if (p * q !== n) refuseKey('rsa-numbers')
  const fits =
    (d * e) % (p - 1n) === 1n &&
    (d * e) % (q - 1n) === 1n &&
    readNumber(jwk.dp) === d % (p - 1n) &&
    readNumber(jwk.dq) === d % (q - 1n) &&
    (readNumber(jwk.qi) * q) % p === 1n
  if (!fits) refuseKey('rsa-numbers')
  checkPrimes(p, q, modulusBits)
  checkSignsAndVerifies(key)
}

function checkPrimes(p: bigint, q: bigint, modulusBits: number): void {
  const distance = p > q ? p - q : q - p
  // Close primes are found by Fermat's method; FIPS 186-5, appendix A.1.3, step 5.4.
  if (distance >> BigInt(modulusBits / 2 - 100) === 0n) refuseKey('rsa-primes')
  if (!isProbablePrime(p) || !isProbablePrime(q)) refuseKey('rsa-primes')
}

export function isProbablePrime(candidate: bigint): boolean {
  return checkPrimeSync(candidate, PRIME_ROUNDS)
}

function checkSignsAndVerifies(key: KeyObject): void {
  const message = Buffer.from('coffre key import')
  const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  if (!verify('sha256', message, options, sign('sha256', message, options))) refuseKey('rsa-numbers')
}

/** Whether one of `others` (SPKI PEM) has exactly one prime of `publicKey`: both could then be factored. */
export function sharesPrime(publicKey: string, others: readonly string[]): boolean {
  const modulus = modulusOf(publicKey)
  if (modulus === 0n) return false
  return others.some((other) => {
    const common = greatestCommonDivisor(modulus, modulusOf(other))
    return common !== 1n && common !== modulus
  })
}

function modulusOf(pem: string): bigint {
  return readNumber(createPublicKey(pem).export({ format: 'jwk' }).n)
}

function greatestCommonDivisor(one: bigint, other: bigint): bigint {
  let [high, low] = [one, other]
  while (low !== 0n) [high, low] = [low, high % low]
  return high
}

function readNumber(base64url: string | undefined): bigint {
  return BigInt(`0x0${Buffer.from(base64url ?? '', 'base64url').toString('hex')}`)
}

/** Odd primes up to 167: the fingerprint of Nemec et al., "The Return of Coppersmith's Attack", section 3. */
const ROCA_PRIMES: readonly number[] = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
]

/** True where the modulus is a power of 65537 modulo every small prime; an honest one is with chance 2^-154. */
function hasRocaFingerprint(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => powersOf65537(prime).has(Number(modulus % BigInt(prime))))
}

function powersOf65537(prime: number): Set<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65_537) % prime) powers.add(power)
  return powers
}
