import { constants, type BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { CoffreError } from '../../model/errors.ts'
import {
  isCertificate,
  readServerCertificate,
  type ServerCertificate,
} from '../../service/access/server-certificate.ts'

/** What `coffre serve` is told: PEM files, the certificate with its chain. */
export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
  /** Whose certificates clients may log in with. */
  readonly clientCaFile?: string
  /** Revocation lists, one of each of those CAs; with it, a CA without a current list lets nobody log in. */
  readonly clientCrlFile?: string
  /** 1.2 when absent. */
  readonly minimumVersion?: '1.2' | '1.3'
}

export interface TlsMaterial {
  readonly certificate: string
  readonly key: string
  readonly clientCa?: string
  readonly clientCrl?: string
  readonly facts: ServerCertificate
}

/** A chain of four RSA-4096 certificates has 10 KiB; a bundle of client CAs may hold some dozens. */
const MAX_FILE_BYTES = 256 * 1024
const OTHERS = 0o077n
/** As PostgreSQL has it: a key of root's may be read by a group, such as Debian's ssl-cert. */
const OTHERS_OF_ROOT = 0o037n

/** Reads and judges all of them together. Throws CONFIG_REFUSED that names the setting, never what is inside. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  const certificate = await readText(files.certificateFile, 'COFFRE_TLS_CERT')
  const key = await readText(files.keyFile, 'COFFRE_TLS_KEY', refuseReadable)
  const client = await readClientFiles(files)
  const facts = readServerCertificate(certificate, key)
  if (facts === 'certificate') throw refused('COFFRE_TLS_CERT', 'a certificate in PEM')
  if (facts === 'key') {
    throw refused('COFFRE_TLS_KEY', 'the unencrypted private key of COFFRE_TLS_CERT, in PEM')
  }
  requireStrong(certificate, key)
  return { certificate, key, ...client, facts }
}

async function readClientFiles({
  clientCaFile,
  clientCrlFile,
}: TlsFiles): Promise<Pick<TlsMaterial, 'clientCa' | 'clientCrl'>> {
  if (clientCaFile === undefined) return {}
  const clientCa = await readText(clientCaFile, 'COFFRE_TLS_CLIENT_CA')
  if (!isCertificate(clientCa)) throw refused('COFFRE_TLS_CLIENT_CA', 'certificates in PEM')
  if (clientCrlFile === undefined) return { clientCa }
  const clientCrl = await readText(clientCrlFile, 'COFFRE_TLS_CLIENT_CRL')
  try {
    createSecureContext({ crl: clientCrl })
  } catch (cause) {
    throw refused('COFFRE_TLS_CLIENT_CRL', 'revocation lists in PEM', cause)
  }
  return { clientCa, clientCrl }
}

/** Changes whenever one of the files does: replaced, rewritten, another mode, another target of a link. */
export async function fingerprintTlsFiles(files: TlsFiles): Promise<string> {
  const paths = [
    files.certificateFile,
    files.keyFile,
    files.clientCaFile ?? [],
    files.clientCrlFile ?? [],
  ].flat()
  const marks = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(path, { bigint: true }).catch(() => undefined)
      return found === undefined ? 'absent' : [found.dev, found.ino, found.size, found.ctimeNs].join('.')
    }),
  )
  return marks.join(' ')
}

async function readText(path: string, setting: string, judge?: Judge): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path, constants.O_RDONLY)
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile()) throw refused(setting, `a file: ${path}`)
    if (stats.size > MAX_FILE_BYTES) throw refused(setting, `at most ${MAX_FILE_BYTES} bytes: ${path}`)
    judge?.(stats, path)
    return await file.readFile('latin1')
  } catch (error) {
    if (error instanceof CoffreError) throw error
    throw refused(setting, `a file that this account can read: ${path}`, error)
  } finally {
    await file?.close()
  }
}

type Judge = (stats: BigIntStats, path: string) => void

function refuseReadable(stats: BigIntStats, path: string): void {
  const others = stats.uid === 0n && process.getuid?.() !== 0 ? OTHERS_OF_ROOT : OTHERS
  if ((stats.mode & others) !== 0n) throw refused('COFFRE_TLS_KEY', `mode 0600: chmod 600 ${path}`)
}

/** OpenSSL has the last word: it refuses short keys and weak signatures. */
function requireStrong(certificate: string, key: string): void {
  try {
    createSecureContext({ cert: certificate, key })
  } catch (cause) {
    throw refused('COFFRE_TLS_CERT', 'a certificate that OpenSSL accepts (RSA from 2,048 bits, SHA-2)', cause)
  }
}

function refused(setting: string, expected: string, cause?: unknown): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { [setting]: expected }, cause })
}
