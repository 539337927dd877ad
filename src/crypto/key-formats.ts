import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Algorithm } from './algorithm.ts'
import { parseBase64url } from './bytes.ts'
import { DER, readSequence } from './der.ts'
import { openEncryptedPkcs8 } from './encrypted-pkcs8.ts'
import { KeyMaterial } from './key-material.ts'
import { refuseKey } from './key-rule.ts'

export const KEY_FORMATS = ['pem', 'der', 'jwk', 'raw'] as const

export type KeyFormat = (typeof KEY_FORMATS)[number]

/** RSA-4096 in JWK or PEM has 3.2 KiB. */
const MAX_INPUT_BYTES = 16 * 1024
const PEM = /^\s*-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END ([A-Z ]+)-----\s*$/

export interface KeyInput {
  readonly format: KeyFormat
  readonly bytes: Uint8Array
  /** Of an encrypted PKCS#8. */
  readonly passphrase?: Uint8Array
}

/** The material of a key in a form of other programs, checked by every rule of its row. Throws KEY_REFUSED. */
export function importMaterial(row: Algorithm, input: KeyInput): KeyMaterial {
  if (input.bytes.length > MAX_INPUT_BYTES) refuseKey('length')
  const material = row.publicKey === undefined ? readSymmetric(input) : readPrivate(input)
  try {
    row.check(material)
    return material
  } catch (error) {
    material.wipe()
    throw error
  }
}

function readSymmetric(input: KeyInput): KeyMaterial {
  if (input.format === 'raw') return new KeyMaterial(input.bytes)
  if (input.format !== 'jwk') refuseKey('format')
  const { kty, k } = readJwk(input.bytes)
  const bytes = kty === 'oct' && typeof k === 'string' ? parseBase64url(k) : undefined
  return bytes === undefined ? refuseKey('jwk') : wipeAfter(bytes)
}

function readPrivate(input: KeyInput): KeyMaterial {
  if (input.format === 'raw') refuseKey('format')
  if (input.format === 'jwk') return readPrivateJwk(input.bytes)
  const der = input.format === 'der' ? input.bytes : readPem(input.bytes)
  const kind = kindOf(der)
  if (kind === 'encrypted') return openEncryptedPkcs8(der, input.passphrase ?? refuseKey('passphrase'))
  if (kind === 'pkcs8') return new KeyMaterial(der)
  return normalise(der, kind)
}

/** PKCS#1 and SEC1 as PKCS#8. They must be what OpenSSL would write of them: no other spelling, nothing after. */
function normalise(der: Uint8Array, kind: 'pkcs1' | 'sec1'): KeyMaterial {
  const key = parse(() => createPrivateKey({ key: Buffer.from(der), format: 'der', type: kind }), kind)
  const again = key.export({ format: 'der', type: kind })
  if (!again.equals(der)) refuseKey(kind)
  return wipeAfter(key.export({ format: 'der', type: 'pkcs8' }))
}

function readPrivateJwk(bytes: Uint8Array): KeyMaterial {
  const jwk = readJwk(bytes)
  if (typeof jwk['d'] !== 'string') refuseKey('public-only')
  const key = parse(() => createPrivateKey({ key: jwk, format: 'jwk' }), 'jwk')
  return wipeAfter(key.export({ format: 'der', type: 'pkcs8' }))
}

function readJwk(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (cause) {
    return refuseKey('jwk', cause)
  }
  return refuseKey('jwk')
}

/** One block and nothing around it. */
function readPem(bytes: Uint8Array): Uint8Array {
  const [, begin, body = '', end] = PEM.exec(Buffer.from(bytes).toString('latin1')) ?? []
  if (begin === undefined || begin !== end) refuseKey('pem')
  if (begin.endsWith('PUBLIC KEY') || begin === 'CERTIFICATE') refuseKey('public-only')
  const text = body.replaceAll(/\s/g, '')
  const der = Buffer.from(text, 'base64')
  return der.toString('base64') === text ? der : refuseKey('pem')
}

function kindOf(der: Uint8Array): 'pkcs8' | 'encrypted' | 'pkcs1' | 'sec1' {
  const [first, second] = readSequence(der) ?? []
  if (first?.tag === DER.sequence) return second?.tag === DER.bytes ? 'encrypted' : refuseKey('public-only')
  if (first?.tag !== DER.integer) return refuseKey('der-length')
  if (second?.tag === DER.sequence) return 'pkcs8'
  return second?.tag === DER.bytes ? 'sec1' : 'pkcs1'
}

function parse(read: () => KeyObject, rule: 'pkcs1' | 'sec1' | 'jwk'): KeyObject {
  try {
    return read()
  } catch (cause) {
    return refuseKey(rule, cause)
  }
}

function wipeAfter(bytes: Buffer): KeyMaterial {
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}
