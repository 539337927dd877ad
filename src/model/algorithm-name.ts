/** Every algorithm that a managed key can have. Each has exactly one row in crypto/algorithms.ts. */
export const ALGORITHM_NAMES = [
  'aes256-gcm',
  'fernet',
  'hmac-sha256',
  'hmac-sha384',
  'hmac-sha512',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'ed25519',
  'x25519',
  'aes256-kw',
  'aes256-kwp',
] as const

export type AlgorithmName = (typeof ALGORITHM_NAMES)[number]

export function isAlgorithmName(value: unknown): value is AlgorithmName {
  return ALGORITHM_NAMES.some((name) => name === value)
}

/** What a key is for. It is fixed when the key is created. */
export const KEY_PURPOSES = ['encrypt', 'sign', 'mac', 'derive', 'wrap'] as const

export type KeyPurpose = (typeof KEY_PURPOSES)[number]

export function isKeyPurpose(value: unknown): value is KeyPurpose {
  return KEY_PURPOSES.some((purpose) => purpose === value)
}
