import { diffieHellman, type KeyObject } from 'node:crypto'
import type { Agreement } from './algorithm.ts'
import { parsePublicKey, X25519_SHAPE } from './key-import.ts'
import { KeyMaterial } from './key-material.ts'
import { privateKeyOf } from './key-object.ts'
import { refuseKey } from './key-rule.ts'

/**
 * X25519 (RFC 7748, section 5). The shared secret is not uniform: pass it through HKDF, with both public keys in
 * `info`, before it keys anything.
 */
export const x25519Agreement: Agreement = {
  agree(material, peerPublicKey) {
    const shared = computeShared(privateKeyOf(material), parsePublicKey(peerPublicKey, X25519_SHAPE))
    const secret = new KeyMaterial(shared)
    shared.fill(0)
    return secret
  },
}

/** A peer's point of low order gives all zeros, which RFC 7748, section 6.1 lets us refuse. OpenSSL does so itself. */
function computeShared(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  try {
    const shared = diffieHellman({ privateKey, publicKey })
    let anyBit = 0
    for (const byte of shared) anyBit |= byte
    if (anyBit !== 0) return shared
  } catch (cause) {
    return refuseKey('low-order', cause)
  }
  return refuseKey('low-order')
}
