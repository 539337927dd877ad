import {
  type CertificateFacts,
  matchesPrivateKey,
  NO_RESUMPTION,
  readCertificate,
} from '../../crypto/certificate.ts'

export interface ServerCertificate extends CertificateFacts {
  /** OpenSSL options that its sessions need. */
  readonly secureOptions: number
}

/** The facts of a certificate and the key that belongs to it, both in PEM; otherwise which of the two is not good. */
export function readServerCertificate(
  certificate: string,
  key: string,
): ServerCertificate | 'certificate' | 'key' {
  const facts = readCertificate(certificate)
  if (facts === undefined) return 'certificate'
  return matchesPrivateKey(certificate, key) ? { ...facts, secureOptions: NO_RESUMPTION } : 'key'
}

export function isCertificate(pem: string): boolean {
  return readCertificate(pem) !== undefined
}
