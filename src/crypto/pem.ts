const ENVELOPE = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----\s*$/
/** An SPKI of RSA-16384 has 2 KiB. */
const MAX_PEM_CHARACTERS = 4_096

/** The DER of one `PUBLIC KEY` block and nothing else; `undefined` otherwise. */
export function parseSpkiPem(text: string): Uint8Array | undefined {
  const body = text.length > MAX_PEM_CHARACTERS ? undefined : ENVELOPE.exec(text)?.[1]?.replaceAll(/\s/g, '')
  if (body === undefined || body === '') return undefined
  const der = Buffer.from(body, 'base64')
  return der.toString('base64') === body ? der : undefined
}

/** RFC 7468, section 13: `PUBLIC KEY` around SPKI DER, in lines of 64 characters. */
export function spkiPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''].join('\n')
}
