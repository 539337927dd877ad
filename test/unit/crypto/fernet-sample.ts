import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { Fernet, InvalidToken, type DecryptOptions } from '../../../src/crypto/fernet.ts'
import { CoffreError, type ErrorCode } from '../../../src/model/errors.ts'

export const NOW = 1_762_000_000
export const SECRET = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
export const CANARY = 'canary-5f2d9c7b1e'
export const fernet = new Fernet(SECRET)
export const token = fernet.encrypt(CANARY, { nowSeconds: NOW })

export function toText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString()
}

export function toToken(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64url')
  return text + '='.repeat((4 - (text.length % 4)) % 4)
}

/** `bytes` with a right MAC, so that what is wrong lies behind it. */
export function sign(bytes: Uint8Array): string {
  const key = Buffer.from(SECRET, 'base64url').subarray(0, 16)
  return toToken(Buffer.concat([bytes, createHmac('sha256', key).update(bytes).digest()]))
}

export function findReason(text: string, options: DecryptOptions = { nowSeconds: NOW }, by = fernet) {
  try {
    by.decrypt(text, options)
  } catch (error) {
    if (error instanceof InvalidToken) return error.reason
    throw error
  }
  return 'opened'
}

export function assertCode(code: ErrorCode, at: string, run: () => unknown): void {
  assert.throws(
    run,
    (error) => error instanceof CoffreError && error.code === code && error.facts['at'] === at,
  )
}
