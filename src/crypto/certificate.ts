import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { type Instant, toInstant } from '../model/clock.ts'

/** What an operator wants to know of a certificate; all of it is public. */
export interface CertificateFacts {
  readonly notBefore: Instant
  readonly notAfter: Instant
  /** Hex. */
  readonly serial: string
}

/** For `secureOptions`: no session tickets (their key would outlive every session) and no renegotiation. */
export const NO_RESUMPTION = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION

/** The first certificate of a PEM text; `undefined` when there is none. */
export function readCertificate(pem: string): CertificateFacts | undefined {
  const certificate = parse(pem)
  return certificate === undefined ? undefined : factsOf(certificate)
}

/** Whether the first certificate holds the public half of this unencrypted private key in PEM. */
export function matchesPrivateKey(certificatePem: string, keyPem: string): boolean {
  try {
    return parse(certificatePem)?.checkPrivateKey(createPrivateKey(keyPem)) === true
  } catch {
    return false
  }
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    notBefore: toInstant(Math.max(0, certificate.validFromDate.getTime())),
    notAfter: toInstant(Math.max(0, certificate.validToDate.getTime())),
    serial: certificate.serialNumber,
  }
}
