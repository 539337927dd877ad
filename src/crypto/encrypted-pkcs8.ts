import { createCipheriv, createPrivateKey, pbkdf2Sync, randomBytes } from 'node:crypto'
import { DER, type DerElement, readDer, readSequence, readSmallInteger, writeDer } from './der.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { refuseKey } from './key-rule.ts'

// PKCS#8 under a passphrase: EncryptedPrivateKeyInfo (RFC 5208) with PBES2 (RFC 8018), nothing older.

const PBES2 = '2a864886f70d01050d'
const PBKDF2 = '2a864886f70d01050c'
const SCRYPT = '2b06010401da47040b' // RFC 7914, section 7
const HMAC_SHA256 = '2a864886f70d0209'
const AES_256_CBC = '60864801650304012a'
const AES_CBC: ReadonlySet<string> = new Set(
  ['6086480165030401 02', '6086480165030401 16', '6086480165030401 2a'].map((oid) => oid.replace(' ', '')),
)

/** RFC 8018, section 4.2 has 1,000 at least; above a million a hostile file would stop everybody for a second. */
const PBKDF2_ITERATIONS = { from: 1_000, to: 1_000_000 }
/** Memory is 128 N r: OpenSSL's own default takes 16 MiB. */
const MAX_SCRYPT_BYTES = 64 * 1024 * 1024
const MAX_SCRYPT_PARALLEL = 4
const MIN_SALT_BYTES = 8
/** OWASP's figure of 2023 for HMAC-SHA-256. */
const OUR_ITERATIONS = 600_000

/** Throws KEY_REFUSED for weak or excessive parameters, and for a wrong passphrase. */
export function openEncryptedPkcs8(der: Uint8Array, passphrase: Uint8Array): KeyMaterial {
  requireSoundParameters(der)
  try {
    const key = createPrivateKey({
      key: Buffer.from(der),
      format: 'der',
      type: 'pkcs8',
      passphrase: Buffer.from(passphrase),
    })
    const bytes = key.export({ format: 'der', type: 'pkcs8' })
    const material = new KeyMaterial(bytes)
    bytes.fill(0)
    return material
  } catch (cause) {
    return refuseKey('passphrase', cause)
  }
}

/** PBKDF2-HMAC-SHA-256 and AES-256-CBC, which OpenSSL and every library reads. */
export function sealEncryptedPkcs8(material: KeyMaterial, passphrase: Uint8Array): Uint8Array {
  const [salt, iv] = [randomBytes(16), randomBytes(16)]
  const key = pbkdf2Sync(passphrase, salt, OUR_ITERATIONS, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const encrypted = Buffer.concat([cipher.update(rawBytes(material)), cipher.final()])
  key.fill(0)
  const iterations = Buffer.from(OUR_ITERATIONS.toString(16).padStart(6, '0'), 'hex')
  const prf = writeDer(DER.sequence, oid(HMAC_SHA256), Uint8Array.of(5, 0))
  const kdf = writeDer(
    DER.sequence,
    oid(PBKDF2),
    writeDer(DER.sequence, writeDer(DER.bytes, salt), writeDer(DER.integer, iterations), prf),
  )
  const scheme = writeDer(DER.sequence, oid(AES_256_CBC), writeDer(DER.bytes, iv))
  const algorithm = writeDer(DER.sequence, oid(PBES2), writeDer(DER.sequence, kdf, scheme))
  return writeDer(DER.sequence, algorithm, writeDer(DER.bytes, encrypted))
}

function oid(hex: string): Uint8Array {
  return writeDer(DER.oid, Buffer.from(hex, 'hex'))
}

function requireSoundParameters(der: Uint8Array): void {
  const [algorithm] = readSequence(der) ?? []
  const [scheme, parameters] = partsOf(algorithm)
  if (hexOf(scheme) !== PBES2) refuseKey('encryption')
  const [kdf, cipher] = partsOf(parameters)
  const [kdfName, kdfParameters] = partsOf(kdf)
  if (!AES_CBC.has(hexOf(partsOf(cipher)[0]))) refuseKey('encryption')
  const [salt, ...numbers] = partsOf(kdfParameters)
  if (salt?.tag !== DER.bytes || salt.content.length < MIN_SALT_BYTES) refuseKey('kdf')
  const [cost = 0, blocks = 0, parallel = 0] = numbers.map((each) => readSmallInteger(each) ?? 0)
  const isSound =
    hexOf(kdfName) === PBKDF2
      ? cost >= PBKDF2_ITERATIONS.from && cost <= PBKDF2_ITERATIONS.to
      : hexOf(kdfName) === SCRYPT &&
        cost >= 2 ** 14 &&
        blocks >= 8 &&
        128 * cost * blocks <= MAX_SCRYPT_BYTES &&
        parallel >= 1 &&
        parallel <= MAX_SCRYPT_PARALLEL
  if (!isSound) refuseKey('kdf')
}

function partsOf(element: DerElement | undefined): readonly DerElement[] {
  return element?.tag === DER.sequence ? (readDer(element.content) ?? []) : []
}

function hexOf(element: DerElement | undefined): string {
  return element?.tag === DER.oid ? Buffer.from(element.content).toString('hex') : ''
}
