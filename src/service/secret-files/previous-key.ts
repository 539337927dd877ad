import { keyedFingerprint } from '../../crypto/value-seal.ts'
import type { OpenFolder } from './change/folder.ts'
import { quoteDotenv } from './file/quote.ts'
import {
  KEY_COMMENT,
  type KeyFile,
  MAX_PREVIOUS_KEYS,
  type NewValue,
  PREVIOUS_COMMENT,
  previousNames,
  valueIn,
} from './key-files.ts'
import type { EnvironmentName } from './project.ts'
import { MIN_KEY_CHARACTERS } from './secret-key.ts'
import { type KeyState, knownFingerprintKey, readState } from './state.ts'
import type { ProjectScene } from './with-project.ts'

/** When a key that another takes the place of ends; `undefined` for one that an env file cannot hold beside others. */
export function graceOf(
  { project, now }: Pick<ProjectScene, 'project' | 'now'>,
  old: string,
): string | undefined {
  const { sessionSeconds } = project
  if (sessionSeconds === 0 || !isPortable(old)) return undefined
  return new Date(now() + sessionSeconds * 1_000).toISOString()
}

/** A program that is given a shorter one refuses to start. */
function isPortable(key: string): boolean {
  return key.length >= MIN_KEY_CHARACTERS && /^[\x21-\x7e]+$/.test(key) && quoteDotenv(key) !== undefined
}

/** A key, and those before it that still verify, the newest first; the names of others are taken away. */
export function newValues(
  name: string,
  { key, previous }: { readonly key: string; readonly previous: readonly string[] },
): readonly NewValue[] {
  return [{ name, value: key, comment: KEY_COMMENT }, ...previousValues(name, previous)]
}

export function previousValues(name: string, keys: readonly string[]): readonly NewValue[] {
  return previousNames(name).map((each, index) => {
    return { name: each, value: keys[index], comment: PREVIOUS_COMMENT }
  })
}

/** A key from before a rotation, as it is in the files. */
export interface OldKey {
  readonly key: string
  readonly fingerprint: string
  /** Absent where nothing tells it; then its time is over. */
  readonly until?: string
}

/** The old keys in the files, the newest first. `state` is absent where the project has none. */
export async function readOldKeys(
  state: OpenFolder | undefined,
  { files, name, environment }: KeyFilesOf,
): Promise<readonly OldKey[]> {
  const keys = new Set(
    files.flatMap((file) => previousNames(name).flatMap((each) => valueIn(file, each) ?? [])),
  )
  const fingerprintKey = state === undefined ? undefined : await knownFingerprintKey(state)
  if (state === undefined || fingerprintKey === undefined) {
    return [...keys].map((key) => ({ key, fingerprint: '' }))
  }
  const known = (await readState(state)).keys[environment]?.previous ?? []
  return [...keys].map((key) => {
    const fingerprint = keyedFingerprint(fingerprintKey, key)
    const until = known.find((each) => each.fingerprint === fingerprint)?.until
    return { key, fingerprint, ...(until === undefined ? {} : { until }) }
  })
}

export interface KeyFilesOf {
  readonly files: readonly KeyFile[]
  readonly name: string
  readonly environment: EnvironmentName
}

export function isLive({ until }: Pick<OldKey, 'until'>, now: number): boolean {
  return until !== undefined && Date.parse(until) > now
}

export interface KeptKeys {
  readonly kept: readonly OldKey[]
  /** Their time was not over. */
  readonly ended: readonly OldKey[]
}

export interface Replacement {
  readonly key: string
  /** Without an end where it verifies nothing from now on. */
  readonly replaced?: OldKey
  readonly now: number
  /** No old key stays. */
  readonly isCompromised?: boolean
}

/** Which old keys stay beside a new one: those whose time is not over, as many as there are names. */
export function keepOldKeys(
  old: readonly OldKey[],
  { key, replaced, now, isCompromised = false }: Replacement,
): KeptKeys {
  const before = old.filter((each) => each.key !== replaced?.key)
  const live = [...(replaced === undefined ? [] : [replaced]), ...before].filter(
    (each) => each.key !== key && isLive(each, now),
  )
  const count = isCompromised ? 0 : MAX_PREVIOUS_KEYS
  return { kept: live.slice(0, count), ended: live.slice(count) }
}

/** As the state has them. */
export function viewOldKeys(keys: readonly OldKey[]): Pick<KeyState, 'previous'> {
  const previous = keys.flatMap(({ fingerprint, until }) =>
    until === undefined ? [] : [{ fingerprint, until }],
  )
  return previous.length === 0 ? {} : { previous }
}
