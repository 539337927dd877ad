import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { KeyMaterial } from './key-material.ts'
import { WorkGate } from './work-gate.ts'

const generate = promisify(generateKeyPair)
const DER = {
  publicKeyEncoding: { format: 'der', type: 'spki' },
  privateKeyEncoding: { format: 'der', type: 'pkcs8' },
} as const

// All of these run on the thread pool: an RSA-4096 pair takes 0.2 to 2 seconds.

/** Leaves three of libuv's four threads, and a core of two, to everything else. */
const rsaGate = new WorkGate({ slots: 1, maxWaiting: 64 })

/** One at a time. Throws BUSY when too many wait. */
export async function generateRsa(modulusLength: number): Promise<KeyMaterial> {
  const parameters = { modulusLength, publicExponent: 65_537, ...DER }
  return toMaterial(await rsaGate.run(() => generate('rsa', parameters)))
}

export async function generateEc(namedCurve: string): Promise<KeyMaterial> {
  return toMaterial(await generate('ec', { namedCurve, ...DER }))
}

export async function generateEd25519(): Promise<KeyMaterial> {
  return toMaterial(await generate('ed25519', DER))
}

export async function generateX25519(): Promise<KeyMaterial> {
  return toMaterial(await generate('x25519', DER))
}

function toMaterial(pair: { readonly privateKey: Buffer }): KeyMaterial {
  const material = new KeyMaterial(pair.privateKey)
  pair.privateKey.fill(0)
  return material
}
