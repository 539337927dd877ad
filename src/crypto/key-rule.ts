import { CoffreError } from '../model/errors.ts'

/** The rules that KEY_REFUSED names in `facts.rule`; docs/spec/public-key-formats.md explains each. */
export type KeyRule =
  | 'key-bytes'
  | 'constant-bytes'
  | 'der-length'
  | 'pkcs8'
  | 'spki'
  | 'type'
  | 'algorithm-identifier'
  | 'off-curve'
  | 'public-half'
  | 'low-order'
  | 'rsa-modulus-bits'
  | 'rsa-exponent'
  | 'rsa-numbers'
  | 'rsa-primes'
  | 'rsa-roca'
  | 'rsa-shared-prime'
  | 'known-version'
  | 'length'
  | 'format'
  | 'pem'
  | 'jwk'
  | 'pkcs1'
  | 'sec1'
  | 'public-only'
  | 'encryption'
  | 'kdf'
  | 'passphrase'

export function refuseKey(rule: KeyRule, cause?: unknown): never {
  throw new CoffreError('KEY_REFUSED', { facts: { rule }, cause })
}
