import { stat } from 'node:fs/promises'
import type { ClientTls } from '../../client/send-encrypted.ts'
import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import type { Sources } from '../invocation.ts'
import { readLimitedFile } from './read-limited.ts'

/** A chain of four RSA-4096 certificates has 10 KiB; a bundle of every public CA 230 KiB. */
const MAX_PEM_BYTES = 1024 * 1024
const OTHERS = 0o077

/** The CA, certificate and key for https, from options before variables. */
export async function readClientTls(invocation: Sources): Promise<ClientTls> {
  const [caFile, certificateFile, keyFile] = [
    pathOf(invocation, 'ca-cert', 'COFFRE_CACERT'),
    pathOf(invocation, 'client-cert', 'COFFRE_CLIENT_CERT'),
    pathOf(invocation, 'client-key', 'COFFRE_CLIENT_KEY'),
  ]
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    const setting = keyFile === undefined ? 'COFFRE_CLIENT_KEY' : 'COFFRE_CLIENT_CERT'
    throw refused(setting, 'both the certificate and its key, or neither')
  }
  return {
    ...(caFile === undefined ? {} : { ca: await readPem('--ca-cert', caFile) }),
    ...(certificateFile === undefined
      ? {}
      : { certificate: await readPem('--client-cert', certificateFile) }),
    ...(keyFile === undefined ? {} : { key: await readKey(keyFile) }),
  }
}

function pathOf({ options, terminal }: Sources, option: string, variable: string): string | undefined {
  const path = options.text(option) ?? terminal.environment[variable] ?? ''
  return path === '' ? undefined : path
}

async function readKey(path: string): Promise<Secret> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && (found.mode & OTHERS) !== 0) {
    throw refused('COFFRE_CLIENT_KEY', `mode 0600: chmod 600 ${path}`)
  }
  return new Secret(await readPem('--client-key', path))
}

async function readPem(name: string, path: string): Promise<string> {
  return Buffer.from(await readLimitedFile(path, { name, maximumBytes: MAX_PEM_BYTES })).toString('latin1')
}

function refused(setting: string, expected: string): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { setting, expected } })
}
