import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { keyedFingerprint } from '../../crypto/value-seal.ts'
import { randomBytes } from '../../crypto/random.ts'
import { writePrivateFile } from '../../seal/file/private-file.ts'
import { isCode, type OpenFolder, refused } from './change/folder.ts'
import { ENVIRONMENTS, type EnvironmentName } from './project.ts'

const STATE = 'state.json'
const FINGERPRINT_KEY = 'fingerprint.key'
const FINGERPRINT_KEY_BYTES = 32
const LOG = 'security.log'

/** When the key of an environment was made. No part of it is secret. */
export interface KeyState {
  readonly createdAt: string
  readonly fingerprint: string
  /** False for a key that somebody brought. */
  readonly isGenerated: boolean
  /** The keys before it that still verify, the newest first, each with its end. */
  readonly previous?: readonly { readonly fingerprint: string; readonly until: string }[]
}

export interface ProjectState {
  readonly keys: { readonly [Name in EnvironmentName]?: KeyState }
  readonly checkedAt?: string
}

/** Short names of keys that only this project can compute: a weak key cannot be guessed from them. */
export async function fingerprinter(folder: OpenFolder): Promise<(key: string) => string> {
  const path = folder.at(FINGERPRINT_KEY)
  const fresh = Buffer.from(randomBytes(FINGERPRINT_KEY_BYTES)).toString('hex')
  await writePrivateFile(path, `${fresh}\n`, { ifExists: 'keep' })
  const text = (await readFile(path, 'latin1')).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) throw refused({ file: FINGERPRINT_KEY, expected: '64 hex digits' })
  const key = Buffer.from(text, 'hex')
  return (value) => keyedFingerprint(key, value)
}

/** The key that makes this project's fingerprints, where there is one already. */
export async function knownFingerprintKey(folder: OpenFolder): Promise<Uint8Array | undefined> {
  const text = await readFile(folder.at(FINGERPRINT_KEY), 'latin1').catch(() => '')
  return /^[0-9a-f]{64}\s*$/.test(text) ? Buffer.from(text.trim(), 'hex') : undefined
}

/** A damaged state is an empty one: it only tells ages, and files decide. */
export async function readState(folder: OpenFolder): Promise<ProjectState> {
  const text = await readFile(folder.at(STATE), 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return '{}'
    throw error
  })
  try {
    return toState(JSON.parse(text))
  } catch {
    return { keys: {} }
  }
}

export async function writeState(folder: OpenFolder, state: ProjectState): Promise<void> {
  await writePrivateFile(folder.at(STATE), `${JSON.stringify(state)}\n`, { ifExists: 'replace' })
}

/** The line of the guide, with facts that are never secret. */
export async function logEvent(
  folder: OpenFolder,
  event: {
    readonly at: number
    readonly type: string
    readonly facts: Readonly<Record<string, string | number>>
  },
): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const file = await open(folder.at(LOG), flags, 0o600)
  try {
    await file.appendFile(
      `${new Date(event.at).toISOString()} SECURITY_EVENT: ${event.type} - ${JSON.stringify(event.facts)}\n`,
    )
  } finally {
    await file.close()
  }
}

function toState(value: unknown): ProjectState {
  const fields: Record<string, unknown> = Object(value)
  const keys: Record<string, unknown> = Object(fields['keys'])
  const known = ENVIRONMENTS.flatMap((name) => {
    const key = toKeyState(keys[name])
    return key === undefined ? [] : [[name, key] as const]
  })
  const { checkedAt } = fields
  return {
    keys: Object.fromEntries(known),
    ...(typeof checkedAt === 'string' ? { checkedAt } : {}),
  }
}

function toKeyState(value: unknown): KeyState | undefined {
  const { createdAt, fingerprint, isGenerated, previous }: Record<string, unknown> = Object(value)
  if (!isMoment(createdAt) || typeof fingerprint !== 'string') return undefined
  // Before there were several, the one stood alone.
  const before = [previous].flat().flatMap((each) => {
    const { fingerprint: replaced, until }: Record<string, unknown> = Object(each)
    return typeof replaced === 'string' && isMoment(until) ? [{ fingerprint: replaced, until }] : []
  })
  return {
    createdAt,
    fingerprint,
    isGenerated: isGenerated === true,
    ...(before.length === 0 ? {} : { previous: before }),
  }
}

function isMoment(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
