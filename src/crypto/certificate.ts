import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { type Instant, toInstant } from '../model/clock.ts'

/** What an operator wants to know of a certificate; all of it is public. */
export interface CertificateFacts {
  readonly notBefore: Instant
  readonly notAfter: Instant
  /** Hex; with a minus in front where it is negative, which RFC 5280 forbids and OpenSSL reads. */
  readonly serial: string
}

/** For `secureOptions`: no session tickets (their key would outlive every session) and no renegotiation. */
export const NO_RESUMPTION = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION

/** The first certificate of a PEM text; `undefined` when there is none that can be read. */
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

function parse(pem: string | Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** `undefined` where a date is none: OpenSSL takes a damaged one as it is. */
function factsOf(certificate: X509Certificate): CertificateFacts | undefined {
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  if (Number.isNaN(from) || Number.isNaN(to)) return undefined
  return {
    notBefore: toInstant(Math.max(0, from)),
    notAfter: toInstant(Math.max(0, to)),
    serial: certificate.serialNumber,
  }
}

/** Names of the subject and its alternative names; of each there may be several. */
export interface CertificateClaims {
  readonly cn: readonly string[]
  readonly o: readonly string[]
  readonly ou: readonly string[]
  readonly dns: readonly string[]
  readonly uri: readonly string[]
  readonly email: readonly string[]
  readonly ip: readonly string[]
  readonly serial: readonly string[]
  readonly fingerprint: readonly string[]
}

/** RFC 5280, 4.2.1.12. */
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'

/**
 * Whose client certificate this is; `undefined` where it is not valid now, is a CA's, is not meant for client
 * authentication, or holds names that cannot be read without doubt. Who signed it was judged by TLS.
 */
export function readClientCertificate(der: Uint8Array, now: Instant): CertificateClaims | undefined {
  const certificate = parse(der)
  const facts = certificate === undefined ? undefined : factsOf(certificate)
  if (certificate === undefined || facts === undefined || certificate.ca) return undefined
  const { notBefore, notAfter, serial } = facts
  // Node's types say that it is always there.
  const purposes: readonly string[] = [certificate.keyUsage ?? []].flat()
  if (now < notBefore || now > notAfter || !purposes.includes(CLIENT_AUTHENTICATION)) return undefined
  const names = readAlternativeNames(certificate.subjectAltName ?? '')
  if (names === undefined) return undefined
  const subject: Readonly<Record<string, unknown>> = { ...certificate.toLegacyObject().subject }
  return {
    cn: textsOf(subject['CN']),
    o: textsOf(subject['O']),
    ou: textsOf(subject['OU']),
    dns: names.get('DNS') ?? [],
    uri: names.get('URI') ?? [],
    email: names.get('email') ?? [],
    ip: names.get('IP Address') ?? [],
    serial: [serial.toLowerCase()],
    fingerprint: [certificate.fingerprint256.replaceAll(':', '').toLowerCase()],
  }
}

const ALTERNATIVE_NAME = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y

/** Node joins them by commas and puts those that hold a comma or a quote into JSON strings (CVE-2021-44532). */
function readAlternativeNames(text: string): ReadonlyMap<string, readonly string[]> | undefined {
  const names = new Map<string, string[]>()
  ALTERNATIVE_NAME.lastIndex = 0
  while (ALTERNATIVE_NAME.lastIndex < text.length) {
    const [, kind = '', written = ''] = ALTERNATIVE_NAME.exec(text) ?? []
    if (kind === '') return undefined
    const name = written.startsWith('"') ? String(JSON.parse(written)) : written
    names.set(kind, [...(names.get(kind) ?? []), name])
  }
  return names
}

function textsOf(value: unknown): readonly string[] {
  return [value ?? []].flat().filter((each): each is string => typeof each === 'string')
}
