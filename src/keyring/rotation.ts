import { addMilliseconds, DAY, type Instant } from '../model/clock.ts'
import { parseVersionNumber, type VersionNumber } from '../model/ids.ts'
import type { Key, KeyVersion } from '../model/key.ts'
import type { KeyState, KeyStateName } from '../model/key-state.ts'
import { type KeyMove, nextState } from './lifecycle.ts'
import { Refusal } from './refusal.ts'

/** AWS KMS's window: long enough to notice, short enough to be done. */
const MIN_DESTROY_DAYS = 7
const MAX_DESTROY_DAYS = 30

export function currentVersion(key: Key): KeyVersion | undefined {
  // Nearly always the newest, of what may be thousands.
  return key.versions.findLast((version) => version.state.name === 'active')
}

export function findVersion(key: Key, version: number): KeyVersion | undefined {
  return key.versions[version - 1]
}

export function newestVersion(key: Key): KeyVersion {
  const newest = key.versions.at(-1)
  if (newest === undefined) throw new Error('unreachable: a key is created with version 1')
  return newest
}

export interface NewVersion {
  readonly now: Instant
  readonly publicKey?: string
  readonly origin?: 'imported'
}

export function firstVersion(made: NewVersion): KeyVersion {
  return describeVersion(parseVersionNumber(1), made)
}

export interface FirstState extends Pick<Key, 'id' | 'tenant' | 'name' | 'algorithm' | 'purpose' | 'labels'> {
  readonly exportable: boolean
  readonly now: Instant
  readonly first: KeyVersion
}

/** A key with its first version, made here or brought from elsewhere. */
export function newKey({ exportable, now, first, ...described }: FirstState): Key {
  return {
    ...described,
    ...(exportable ? { exportable: true } : {}),
    createdAt: now,
    updatedAt: now,
    epoch: 1,
    floor: first.version,
    versions: [first],
  }
}

/** A new version, current from now on; the version before it still reads. */
export function rotateKey(key: Key, made: NewVersion): Key | Refusal {
  const blocked = refuseWhileStopped(key) ?? refuseWhileSuspended(key) ?? refuseDestroyed(key, 'rotate')
  if (blocked !== undefined) return blocked
  const version = parseVersionNumber(newestVersion(key).version + 1)
  const current = currentVersion(key)
  const older =
    current === undefined ? key.versions : key.versions.with(current.version - 1, stepDown(current, made.now))
  return change(key, made.now, { versions: [...older, describeVersion(version, made)] })
}

/** The next version, for others to know before it is current; until `activatePrepared` it does nothing. */
export function prepareKey(key: Key, made: NewVersion): Key | Refusal {
  const blocked = refuseWhileStopped(key) ?? refuseWhileSuspended(key) ?? refuseDestroyed(key, 'prepare')
  if (blocked !== undefined) return blocked
  if (preparedVersion(key) !== undefined) {
    return new Refusal('MOVE_REFUSED', { move: 'prepare', state: 'pre-activation' })
  }
  const next = describeVersion(parseVersionNumber(newestVersion(key).version + 1), made)
  const state = { name: 'pre-activation', since: made.now } as const
  return change(key, made.now, { versions: [...key.versions, { ...next, state }] })
}

/** One that was overtaken by an imported version stays where it is. */
export function preparedVersion(key: Key): KeyVersion | undefined {
  const newest = newestVersion(key)
  return newest.state.name === 'pre-activation' ? newest : undefined
}

/** As `rotateKey`, to the version that was prepared. */
export function activatePrepared(key: Key, now: Instant): Key | Refusal {
  const blocked = refuseWhileStopped(key) ?? refuseWhileSuspended(key)
  if (blocked !== undefined) return blocked
  const target = preparedVersion(key) ?? missing()
  if (target instanceof Refusal) return target
  const state = nextState(target.state, 'activate', now)
  if (state === undefined) return unusable(target)
  const versions = key.versions.map((each) => {
    if (each.version === target.version) return { ...each, state }
    return isActive(each) ? stepDown(each, now) : each
  })
  return change(key, now, { versions })
}

export interface VersionChoice {
  readonly now: Instant
  readonly version?: number
}

/** Makes an older version current again. Nothing is lost: the version that steps down still reads. */
export function rollbackKey(key: Key, choice: VersionChoice): Key | Refusal {
  const blocked = refuseWhileStopped(key) ?? refuseWhileSuspended(key)
  if (blocked !== undefined) return blocked
  const target =
    choice.version === undefined ? previousVersion(key) : (findVersion(key, choice.version) ?? missing())
  if (target instanceof Refusal) return target
  if (target.version < key.floor) return unusable(target)
  const state = nextState(target.state, 'reactivate', choice.now)
  if (state === undefined) return unusable(target)
  const versions = key.versions.map((each) => {
    if (each.version === target.version) return { ...each, state }
    return isActive(each) ? stepDown(each, choice.now) : each
  })
  return change(key, choice.now, { versions })
}

/** The moves that a user asks for by name, on one version or on every version that admits it. */
export type AskedMove = Exclude<KeyMove, 'activate' | 'reactivate' | 'destroy'>

/**
 * Without a version: suspend and resume take every version they can, the others the current one, which may be
 * suspended: a key is often suspended on suspicion and declared compromised afterwards.
 */
export function moveKey(key: Key, move: AskedMove, choice: VersionChoice): Key | Refusal {
  const blocked = refuseWhileStopped(key)
  if (blocked !== undefined) return blocked
  if (choice.version !== undefined) return moveVersion(key, move, { ...choice, version: choice.version })
  if (move === 'suspend' || move === 'resume') return moveAll(key, move, choice.now)
  const target = currentVersion(key) ?? heldVersion(key)
  if (target === undefined) return new Refusal('MOVE_REFUSED', { move, state: stateOf(key) })
  return moveVersion(key, move, { ...choice, version: target.version })
}

function moveVersion(key: Key, move: KeyMove, choice: Required<VersionChoice>): Key | Refusal {
  const target = findVersion(key, choice.version)
  if (target === undefined) return missing()
  const moved = nextState(target.state, move, choice.now)
  if (moved === undefined) return new Refusal('MOVE_REFUSED', { move, state: target.state.name })
  const state = settle(key, target, moved)
  const versions = key.versions.map((each) => (each === target ? { ...each, state } : each))
  return change(key, choice.now, { versions })
}

/** The floor may have risen above a version while it was suspended: it must not protect what nobody reads. */
function settle(key: Key, version: KeyVersion, state: KeyState): KeyState {
  if (state.name !== 'active' || version.version >= key.floor) return state
  return { name: 'deactivated', since: state.since }
}

function moveAll(key: Key, move: 'suspend' | 'resume', now: Instant): Key | Refusal {
  let moved = 0
  const versions = key.versions.map((each) => {
    const state = nextState(each.state, move, now)
    if (state === undefined) return each
    moved += 1
    return { ...each, state: settle(key, each, state) }
  })
  if (moved === 0) return new Refusal('MOVE_REFUSED', { move, state: stateOf(key) })
  return change(key, now, { versions })
}

/** Versions below the floor process nothing. It moves both ways, up to the newest version. */
export function setFloor(key: Key, version: number, now: Instant): Key | Refusal {
  const blocked = refuseWhileStopped(key)
  if (blocked !== undefined) return blocked
  const target = findVersion(key, version)
  if (target === undefined) return missing()
  const current = currentVersion(key)
  if (current !== undefined && current.version < version)
    return new Refusal('KEY_VERSION_NEEDED', { version })
  return change(key, now, { floor: target.version })
}

/** One version, for good. It must be below the floor: then no data has needed it since the floor rose. */
export function destroyVersion(key: Key, version: number, now: Instant): Key | Refusal {
  const blocked = refuseWhileStopped(key)
  if (blocked !== undefined) return blocked
  const target = findVersion(key, version)
  if (target === undefined) return missing()
  if (target.state.name === 'destroyed')
    return new Refusal('MOVE_REFUSED', { move: 'destroy', state: 'destroyed' })
  if (target.version >= key.floor) return new Refusal('KEY_VERSION_NEEDED', { version, floor: key.floor })
  return moveVersion(key, 'destroy', { now, version })
}

export function scheduleDestroy(key: Key, days: number, now: Instant): Key | Refusal {
  const blocked = refuseWhileStopped(key) ?? refuseDestroyed(key, 'schedule-destroy')
  if (blocked !== undefined) return blocked
  if (!Number.isInteger(days) || days < MIN_DESTROY_DAYS || days > MAX_DESTROY_DAYS) {
    return new Refusal('INVALID_REQUEST', { at: 'days', from: MIN_DESTROY_DAYS, to: MAX_DESTROY_DAYS })
  }
  return change(key, now, { destroyAt: addMilliseconds(now, days * DAY) })
}

export function cancelDestroy(key: Key, now: Instant): Key | Refusal {
  if (key.destroyAt === undefined || isDestroyed(key)) {
    return new Refusal('MOVE_REFUSED', { move: 'cancel-destroy', state: stateOf(key) })
  }
  const { destroyAt: _, ...kept } = key
  return change(kept, now, {})
}

/** The end of a scheduled destruction: every version, whatever its state. */
export function destroyKey(key: Key, now: Instant): Key {
  const versions = key.versions.map((each) =>
    each.state.name === 'destroyed' ? each : { ...each, state: { name: 'destroyed', since: now } as const },
  )
  const { destroyAt: _, ...kept } = key
  return change(kept, now, { versions })
}

function isDestroyed(key: Key): boolean {
  return key.versions.every((version) => version.state.name === 'destroyed')
}

/** One word for the whole key: that of its current version, suspended or not, else of its newest. */
export function stateOf(key: Key): KeyStateName {
  return (currentVersion(key) ?? heldVersion(key) ?? newestVersion(key)).state.name
}

/**
 * The version that is current again once it is resumed. No other version becomes current meanwhile (see
 * `refuseWhileSuspended`), so a key never has both, and never two.
 */
function heldVersion(key: Key): KeyVersion | undefined {
  return key.versions.find(({ state }) => state.name === 'suspended' && state.resumesTo === 'active')
}

function describeVersion(version: VersionNumber, made: NewVersion): KeyVersion {
  const described = { version, state: { name: 'active', since: made.now }, createdAt: made.now } as const
  return {
    ...described,
    ...(made.publicKey === undefined ? {} : { publicKey: made.publicKey }),
    ...(made.origin === undefined ? {} : { origin: made.origin }),
  }
}

function previousVersion(key: Key): KeyVersion | Refusal {
  const current = currentVersion(key)?.version ?? Number.POSITIVE_INFINITY
  const older = key.versions.filter(
    (each) => each.version < current && each.version >= key.floor && each.state.name === 'deactivated',
  )
  return older.at(-1) ?? missing()
}

function isActive(version: KeyVersion): boolean {
  return version.state.name === 'active'
}

function stepDown(version: KeyVersion, now: Instant): KeyVersion {
  return { ...version, state: { name: 'deactivated', since: now } }
}

function refuseWhileStopped(key: Key): Refusal | undefined {
  return key.destroyAt === undefined ? undefined : new Refusal('KEY_PENDING_DESTRUCTION')
}

/** Destroyed is for good: a new version would bring the name back to life with other material. */
function refuseDestroyed(key: Key, move: string): Refusal | undefined {
  return isDestroyed(key) ? new Refusal('MOVE_REFUSED', { move, state: 'destroyed' }) : undefined
}

function refuseWhileSuspended(key: Key): Refusal | undefined {
  return stateOf(key) === 'suspended' ? new Refusal('KEY_SUSPENDED') : undefined
}

function unusable(version: KeyVersion): Refusal {
  return new Refusal('KEY_VERSION_UNUSABLE', { version: version.version, state: version.state.name })
}

function missing(): Refusal {
  return new Refusal('KEY_VERSION_NOT_FOUND')
}

function change(key: Key, now: Instant, changes: Partial<Key>): Key {
  return { ...key, ...changes, updatedAt: now, epoch: key.epoch + 1 }
}
