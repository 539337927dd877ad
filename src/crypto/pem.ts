/** RFC 7468, section 13: `PUBLIC KEY` around SPKI DER, in lines of 64 characters. */
export function spkiPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''].join('\n')
}
