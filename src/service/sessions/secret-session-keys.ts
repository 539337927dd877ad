import { readFileSync } from 'node:fs'
import { nameSecret, secretKeyMaterial } from '../../crypto/secret-key.ts'
import { addMilliseconds, type Clock, DAY, type Instant, SECOND, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import type { SessionCipher, SessionKey, SessionKeys, SessionPurpose } from './session-keys.ts'
import { SESSION_LABEL, SessionSubkeys } from './session-subkeys.ts'

const KID_BYTES = 16
const SECRET_BYTES = { least: 32, most: 1_024 } as const
/** More than anybody rotates within the life of a session. */
const MAX_PREVIOUS = 16
const MAX_FILE_BYTES = 64 * 1_024
/** As `coffre secret-key rotate` writes them. */
const PREVIOUS_NAMES = [
  'SECRET_KEY_PREVIOUS',
  'SECRET_KEY_PREVIOUS_2',
  'SECRET_KEY_PREVIOUS_3',
  'SECRET_KEY_PREVIOUS_4',
] as const

export type SecretText = string | Secret

export interface SecretKeySet {
  readonly current: SecretText
  /** They verify and decrypt what they made; nothing new is made with them. */
  readonly previous?: readonly SecretText[]
}

export interface SecretSessionKeysOptions extends SecretKeySet {
  readonly clock?: Clock
}

export interface ReloadOptions {
  /** False after a compromise: what the keys so far signed is over at once. */
  readonly keepPrevious?: boolean
  /** How long they stay otherwise: as long as a session may last. A day when absent. */
  readonly keepSeconds?: number
}

interface SecretEntry {
  readonly kid: string
  readonly subkeys: SessionSubkeys
  /** Kept by a reload, up to this moment; absent: as long as it is given. */
  readonly until?: Instant
}

type Environment = Readonly<Record<string, string | undefined>>

/** Session keys that are derived from the SECRET_KEY of an application, and from those before it. */
export class SecretSessionKeys implements SessionKeys {
  readonly #clock: Clock
  /** The current one first. */
  #entries: readonly SecretEntry[]
  #environment: Environment | undefined

  /** Throws SECRET_KEY_MISSING, and KEY_REFUSED for a secret that is too short to sign with. */
  constructor({ clock, ...secrets }: SecretSessionKeysOptions) {
    this.#clock = clock ?? (() => toInstant(Date.now()))
    this.#entries = makeEntries(secrets)
  }

  /**
   * From SECRET_KEY, SECRET_KEY_PREVIOUS and SECRET_KEY_PREVIOUS_2 to _4 (one each), or the files SECRET_KEY_FILE (one) and
   * SECRET_KEY_PREVIOUS_FILE (one a line).
   */
  static fromEnvironment(environment: Environment = process.env, clock?: Clock): SecretSessionKeys {
    const keys = new SecretSessionKeys({
      ...readSecrets(environment),
      ...(clock === undefined ? {} : { clock }),
    })
    keys.#environment = environment
    return keys
  }

  /** The files that `reload` reads. Throws SECRET_KEY_MISSING where there is none. */
  get files(): readonly string[] {
    const { SECRET_KEY_FILE: current, SECRET_KEY_PREVIOUS_FILE: previous } = this.#environment ?? {}
    const files = [current, previous].flatMap((file) => (file === undefined || file === '' ? [] : [file]))
    if (files.length === 0) throw new CoffreError('SECRET_KEY_MISSING', { facts: { at: 'SECRET_KEY_FILE' } })
    return files
  }

  /** Reads the environment and its files again: on SIGHUP, for example. Where that throws, nothing has changed. */
  reload(options: ReloadOptions = {}): void {
    if (this.#environment === undefined) throw new CoffreError('SECRET_KEY_MISSING')
    this.replace(readSecrets(this.#environment), options)
  }

  /** Signs with `secrets.current` from now on, and logs nobody out unless `keepPrevious` is false. */
  replace(
    secrets: SecretKeySet,
    { keepPrevious = true, keepSeconds = DAY / SECOND }: ReloadOptions = {},
  ): void {
    const given = makeEntries(secrets)
    const ids = new Set(given.map(({ kid }) => kid))
    const now = this.#clock()
    const kept = keepPrevious
      ? this.#entries.filter((entry) => !ids.has(entry.kid) && isLive(entry, now))
      : []
    const until = addMilliseconds(now, keepSeconds * SECOND)
    this.#entries = [...given, ...kept.map((entry) => ({ until, ...entry }))].slice(0, 1 + MAX_PREVIOUS)
  }

  current(): Promise<SessionKey> {
    const [first] = this.#entries
    if (first === undefined) throw new Error('unreachable: makeEntries gives at least one')
    return Promise.resolve({ kid: first.kid, algorithm: 'HS256' })
  }

  find(kid: string): Promise<SessionKey | undefined> {
    return Promise.resolve(this.#find(kid) === undefined ? undefined : { kid, algorithm: 'HS256' })
  }

  sign(kid: string, purpose: SessionPurpose, message: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#findCurrent(kid)?.subkeys.sign(purpose, message))
  }

  verify(kid: string, purpose: SessionPurpose, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return Promise.resolve(this.#find(kid)?.subkeys.verify(purpose, message, signature) ?? false)
  }

  readonly cipher: SessionCipher = {
    seal: (kid, purpose, head, plaintext) => this.#findCurrent(kid)?.subkeys.seal(purpose, head, plaintext),
    open: (kid, purpose, head, sealed) => this.#find(kid)?.subkeys.open(purpose, head, sealed),
  }

  #find(kid: string): SecretEntry | undefined {
    return this.#entries.find((entry) => entry.kid === kid && isLive(entry, this.#clock()))
  }

  #findCurrent(kid: string): SecretEntry | undefined {
    return this.#entries[0]?.kid === kid ? this.#find(kid) : undefined
  }
}

function isLive({ until }: SecretEntry, now: Instant): boolean {
  return until === undefined || now < until
}

function makeEntries({ current, previous = [] }: SecretKeySet): readonly SecretEntry[] {
  if (previous.length > MAX_PREVIOUS) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'previous', maximum: MAX_PREVIOUS } })
  }
  return [current, ...previous].map(makeEntry)
}

function makeEntry(given: SecretText): SecretEntry {
  const text = typeof given === 'object' ? given.reveal() : given
  if (typeof text !== 'string' || text === '') throw new CoffreError('SECRET_KEY_MISSING')
  const secret = secretKeyMaterial(text)
  if (secret.length < SECRET_BYTES.least || secret.length > SECRET_BYTES.most) {
    throw new CoffreError('KEY_REFUSED', { facts: { at: 'SECRET_KEY', ...SECRET_BYTES } })
  }
  const entry = {
    kid: nameSecret(secret, `${SESSION_LABEL}kid`, KID_BYTES),
    subkeys: new SessionSubkeys(secret),
  }
  secret.wipe()
  return entry
}

function readSecrets(environment: Environment): SecretKeySet {
  const [current] = readLines(environment, 'SECRET_KEY')
  const previous = PREVIOUS_NAMES.flatMap((name) => readLines(environment, name))
  return { current: current ?? '', previous }
}

/** A secret may hold every character, a comma as well, so a variable holds one, and a file one a line. */
function readLines(environment: Environment, name: string): readonly string[] {
  const value = environment[name]
  const file = environment[`${name}_FILE`]
  if (value !== undefined && value !== '') return [value]
  if (file === undefined || file === '') return []
  return readSecretFile(file, `${name}_FILE`)
    .split(/\r?\n/)
    .filter((line) => line !== '')
}

function readSecretFile(path: string, at: string): string {
  try {
    const bytes = readFileSync(path)
    if (bytes.length <= MAX_FILE_BYTES) return bytes.toString('utf8')
  } catch (cause) {
    throw new CoffreError('SECRET_KEY_MISSING', { facts: { at }, cause })
  }
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at, maximum: MAX_FILE_BYTES } })
}
