import { closeSync, openSync, readSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { Fernet } from './crypto/fernet.ts'
import { FernetRing } from './crypto/fernet-ring.ts'
import { CoffreError, hasCode } from './model/errors.ts'

const SETTING = 'FERNET_SECRET_KEY'
const GENERATOR = 'coffre fernet keygen'
/** A ring of 64 keys, and a file of settings with a comment on each line. */
const MAX_KEY_BYTES = 4_096
const MAX_ENV_BYTES = 256 * 1_024

type Environment = Readonly<Record<string, string | undefined>>

export interface FernetPlace {
  readonly environment: Environment
  /** Whose `.env` counts where the environment says nothing. */
  readonly folder: string
}

/**
 * The ring of FERNET_SECRET_KEY, of the file that FERNET_SECRET_KEY_FILE names, or of `.env`; upper and lower case are
 * one. Throws CONFIG_REFUSED that names the setting and how to make a key.
 */
export function readFernetRing({ environment, folder }: FernetPlace): FernetRing | undefined {
  const text = readText(environment, '.') ?? readText(readEnvFile(join(folder, '.env')), folder)
  return text === undefined ? undefined : readRing(text)
}

function readRing(text: string): FernetRing {
  try {
    return FernetRing.parse(text)
  } catch (cause) {
    if (!hasCode(cause, 'KEY_REFUSED') && !hasCode(cause, 'LIMIT_EXCEEDED')) throw cause
    const expected = cause instanceof CoffreError ? String(cause.facts['expected'] ?? '64 keys at most') : ''
    throw refuse(`${expected}; make one with \`${GENERATOR}\``, cause)
  }
}

/** Where FERNET_SECRET_KEY comes from. */
export type FernetSource =
  | { readonly kind: 'environment' }
  | { readonly kind: 'key-file'; readonly path: string }
  /** `name` as it is written there. */
  | { readonly kind: 'env-file'; readonly path: string; readonly name: string }

/** `undefined` where it is not set. */
export function findFernetSource({ environment, folder }: FernetPlace): FernetSource | undefined {
  const path = find(environment, `${SETTING}_FILE`)
  if (path !== undefined) return { kind: 'key-file', path: resolve(path) }
  if (find(environment, SETTING) !== undefined) return { kind: 'environment' }
  return findInEnvFile(join(folder, '.env'))
}

/** `undefined` where the file has no such setting. */
export function findInEnvFile(path: string): FernetSource | undefined {
  const values = readEnvFile(path)
  const keyFile = find(values, `${SETTING}_FILE`)
  // Whoever reads that file stands in its folder.
  if (keyFile !== undefined) return { kind: 'key-file', path: resolve(dirname(path), keyFile) }
  const names = [SETTING, ...Object.keys(values).filter((each) => each.toUpperCase() === SETTING)]
  const name = names.find((each) => (values[each] ?? '').trim() !== '')
  return name === undefined ? undefined : { kind: 'env-file', path, name }
}

/** By which the store knows the key again that encrypts. */
export function fernetCheckOf(source: FernetSource, environment: Environment): string {
  const ring = readRing(textOf(source, environment))
  return ring.checks[0]
}

function textOf(source: FernetSource, environment: Environment): string {
  if (source.kind === 'key-file')
    return (readLimited(source.path, MAX_KEY_BYTES) ?? missing(source.path)).trim()
  if (source.kind === 'environment') return find(environment, SETTING) ?? ''
  return find(readEnvFile(source.path), source.name) ?? ''
}

/** What compares the keys in use with the ring that was read. */
interface FernetUser {
  requireKnownFernetKeys(): Promise<void>
}

/**
 * Throws CONFIG_REFUSED where something is stored under a key that is not here: whoever starts with another one by accident
 * would show every user's key as lost. While somebody develops, a key that comes and goes costs nothing, and it warns.
 */
export async function requireKnownFernetKeys(
  core: FernetUser,
  environment: Environment = process.env,
): Promise<void> {
  const isDevelopment = (environment['COFFRE_ENV'] ?? environment['NODE_ENV']) === 'development'
  try {
    await core.requireKnownFernetKeys()
  } catch (error) {
    if (!isDevelopment || !(error instanceof CoffreError) || error.code !== 'CONFIG_REFUSED') throw error
    const { FERNET_SECRET_KEY: expected } = error.facts
    process.emitWarning(
      `keys of providers do not open; FERNET_SECRET_KEY should be ${expected}. In production this would not start.`,
      'CoffreWarning',
    )
  }
}

/** So that what dumps the environment shows no key; the kernel keeps its own copy of how the process began. */
export function dropFernetKey(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) if (name.toUpperCase() === SETTING) delete environment[name]
}

/** A file that it names is looked for from `folder` on. */
function readText(environment: Environment, folder: string): string | undefined {
  const value = find(environment, SETTING)
  const path = find(environment, `${SETTING}_FILE`)
  if (path === undefined) return value
  if (value !== undefined) throw refuse(`only one of it and ${SETTING}_FILE`)
  return (readLimited(resolve(folder, path), MAX_KEY_BYTES) ?? missing(path)).trim()
}

/** Empty is absent, as in a file of settings that somebody is to fill in. */
function find(environment: Environment, name: string): string | undefined {
  const value =
    environment[name] ?? Object.entries(environment).find(([each]) => each.toUpperCase() === name)?.[1]
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

function readEnvFile(path: string): Environment {
  const text = readLimited(path, MAX_ENV_BYTES)
  return text === undefined ? {} : parseEnv(text)
}

/** `undefined` where there is no such file. */
function readLimited(path: string, maximumBytes: number): string | undefined {
  const bytes = Buffer.alloc(maximumBytes + 1)
  try {
    const length = readInto(bytes, path)
    if (length <= maximumBytes) return bytes.toString('utf8', 0, length)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw refuse('a file that can be read', cause)
  } finally {
    bytes.fill(0)
  }
  throw refuse(`a file of at most ${maximumBytes} bytes`)
}

/** No more than fits: a pipe or a device may have no end. */
function readInto(bytes: Buffer, path: string): number {
  const file = openSync(path, 'r')
  try {
    let length = 0
    while (length < bytes.length) {
      const read = readSync(file, bytes, length, bytes.length - length, null)
      if (read === 0) break
      length += read
    }
    return length
  } finally {
    closeSync(file)
  }
}

function missing(path: string): never {
  throw new CoffreError('CONFIG_REFUSED', { facts: { [`${SETTING}_FILE`]: 'a file that exists', path } })
}

function refuse(expected: string, cause?: unknown): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { [SETTING]: expected }, cause })
}

/** Read once, at the first use. */
let ring: FernetRing | undefined

function ownRing(): FernetRing {
  ring ??= readFernetRing({ environment: process.env, folder: process.cwd() })
  if (ring === undefined) throw refuse(`a key; make one with \`${GENERATOR}\``)
  return ring
}

/** A Fernet token of a provider's key under FERNET_SECRET_KEY, or under `secretKey`: one key, or several with commas. */
export function encryptApiKey(rawKey: string, secretKey?: string): string {
  return (secretKey === undefined ? ownRing() : FernetRing.parse(secretKey)).encrypt(rawKey)
}

/** The reverse. Throws DECRYPTION_FAILED for a token that none of the keys opens, or that holds no text. */
export function decryptApiKey(token: string, secretKey?: string): string {
  const bytes = (secretKey === undefined ? ownRing() : FernetRing.parse(secretKey)).decrypt(token)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new CoffreError('DECRYPTION_FAILED', { cause })
  } finally {
    bytes.fill(0)
  }
}

/** For FERNET_SECRET_KEY. */
export function makeFernetKey(): string {
  return Fernet.generateKey()
}
