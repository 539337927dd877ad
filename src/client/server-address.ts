import { CoffreError } from '../model/errors.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export type Transport = 'encrypted-or-loopback' | 'any'

/**
 * The base of every request. Plaintext and tokens travel there, so bare http leaves the machine only where
 * the caller asks for it. Throws CONFIG_REFUSED; the text itself may hold a password and is never shown.
 */
export function parseServerAddress(text: string, transport: Transport): URL {
  const url = URL.canParse(text) ? new URL(text) : refuse('http://host:port or https://host')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('http:// or https://')
  if (url.username !== '' || url.password !== '') refuse('no user and password in the address')
  if (url.search !== '' || url.hash !== '') refuse('no query and no fragment')
  if (url.protocol === 'http:' && transport !== 'any' && !LOOPBACK.has(url.hostname)) {
    refuse('https, or http on this machine only')
  }
  return url
}

function refuse(expected: string): never {
  throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'COFFRE_ADDR', expected } })
}
