import type { KeyVersionView, KeyView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import type { KeyStateName } from '../../model/key-state.ts'

/** What a dry run foresees for one version. `after` is absent where only the store knows it (resume). */
export interface PlannedChange {
  readonly version: number
  readonly before?: KeyStateName
  readonly after?: KeyStateName
}

export type StateMove = 'suspend' | 'resume' | 'deactivate' | 'compromise' | 'destroy'

/**
 * A forecast for --dry-run, from what a key view shows. The rules themselves are the keyring's; a test
 * compares both over every key that moves can lead to. One thing a view does not show: which suspended
 * version will be current again. The newest is taken for it.
 */
const FROM: Readonly<Record<StateMove, readonly KeyStateName[]>> = {
  suspend: ['active', 'deactivated'],
  resume: ['suspended'],
  deactivate: ['active', 'suspended'],
  compromise: ['pre-activation', 'active', 'suspended', 'deactivated'],
  destroy: ['pre-activation', 'deactivated', 'compromised'],
}

const AFTER: Readonly<Record<StateMove, KeyStateName | undefined>> = {
  suspend: 'suspended',
  resume: undefined,
  deactivate: 'deactivated',
  compromise: 'compromised',
  destroy: 'destroyed',
}

/** Throws what the real move would. */
export function planMove(key: KeyView, move: StateMove, version?: number): readonly PlannedChange[] {
  refuseWhilePending(key)
  if (version !== undefined) return [planVersion(findVersion(key, version), move)]
  if (move === 'suspend' || move === 'resume') return planAll(key, move)
  const target = currentVersion(key) ?? heldVersion(key)
  if (target === undefined) throw refusedMove(move, stateOf(key))
  return [planVersion(target, move)]
}

export function planRotate(key: KeyView): readonly PlannedChange[] {
  refuseWhilePending(key)
  refuseWhileSuspended(key)
  refuseDestroyed(key, 'rotate')
  const { version, state } = newestVersion(key)
  const next: PlannedChange =
    state === 'pre-activation'
      ? { version, before: state, after: 'active' }
      : { version: version + 1, after: 'active' }
  return [...planStepDown(key), next]
}

export function planPrepare(key: KeyView): readonly PlannedChange[] {
  refuseWhilePending(key)
  refuseWhileSuspended(key)
  refuseDestroyed(key, 'prepare')
  const { version, state } = newestVersion(key)
  if (state === 'pre-activation') throw refusedMove('prepare', state)
  return [{ version: version + 1, after: 'pre-activation' }]
}

export function planRollback(key: KeyView, version?: number): readonly PlannedChange[] {
  refuseWhilePending(key)
  refuseWhileSuspended(key)
  const target = version === undefined ? previousVersion(key) : findVersion(key, version)
  if (target.version < key.floor || target.state !== 'deactivated') {
    throw new CoffreError('KEY_VERSION_UNUSABLE', { facts: { version: target.version, state: target.state } })
  }
  return [...planStepDown(key), { version: target.version, before: target.state, after: 'active' }]
}

export function planDestroy(key: KeyView, version: number): readonly PlannedChange[] {
  refuseWhilePending(key)
  const target = findVersion(key, version)
  if (target.state === 'destroyed') throw refusedMove('destroy', target.state)
  if (target.version >= key.floor) {
    throw new CoffreError('KEY_VERSION_NEEDED', { facts: { version, floor: key.floor } })
  }
  return [planVersion(target, 'destroy')]
}

export function planFloor(key: KeyView, version: number): void {
  refuseWhilePending(key)
  findVersion(key, version)
  if (key.currentVersion !== undefined && key.currentVersion < version) {
    throw new CoffreError('KEY_VERSION_NEEDED', { facts: { version } })
  }
}

export function planScheduleDestroy(key: KeyView): void {
  refuseWhilePending(key)
  refuseDestroyed(key, 'schedule-destroy')
}

export function planCancelDestroy(key: KeyView): void {
  if (key.destroyAt === undefined) throw refusedMove('cancel-destroy', stateOf(key))
  refuseDestroyed(key, 'cancel-destroy')
}

function planVersion(version: KeyVersionView, move: StateMove): PlannedChange {
  if (!FROM[move].includes(version.state)) throw refusedMove(move, version.state)
  const after = AFTER[move]
  return { version: version.version, before: version.state, ...(after === undefined ? {} : { after }) }
}

function planAll(key: KeyView, move: 'suspend' | 'resume'): readonly PlannedChange[] {
  const moved = key.versions.filter((version) => FROM[move].includes(version.state))
  if (moved.length === 0) throw refusedMove(move, stateOf(key))
  return moved.map((version) => planVersion(version, move))
}

function planStepDown(key: KeyView): readonly PlannedChange[] {
  const current = currentVersion(key)
  return current === undefined ? [] : [{ version: current.version, before: 'active', after: 'deactivated' }]
}

function previousVersion(key: KeyView): KeyVersionView {
  const below = key.currentVersion ?? Number.POSITIVE_INFINITY
  const older = key.versions.filter(
    (version) => version.version < below && version.version >= key.floor && version.state === 'deactivated',
  )
  return older.at(-1) ?? missingVersion()
}

function findVersion(key: KeyView, version: number): KeyVersionView {
  return key.versions.find((candidate) => candidate.version === version) ?? missingVersion()
}

function currentVersion(key: KeyView): KeyVersionView | undefined {
  return key.versions.find((version) => version.version === key.currentVersion)
}

function heldVersion(key: KeyView): KeyVersionView | undefined {
  return key.versions.findLast((version) => version.state === 'suspended')
}

function stateOf(key: KeyView): KeyStateName {
  return (currentVersion(key) ?? heldVersion(key) ?? newestVersion(key)).state
}

function newestVersion(key: KeyView): KeyVersionView {
  return key.versions.at(-1) ?? missingVersion()
}

function refuseWhilePending(key: KeyView): void {
  if (key.destroyAt !== undefined) throw new CoffreError('KEY_PENDING_DESTRUCTION')
}

function refuseWhileSuspended(key: KeyView): void {
  if (stateOf(key) === 'suspended') throw new CoffreError('KEY_SUSPENDED')
}

function refuseDestroyed(key: KeyView, move: string): void {
  if (key.versions.every((version) => version.state === 'destroyed')) throw refusedMove(move, 'destroyed')
}

function refusedMove(move: string, state: KeyStateName): CoffreError {
  return new CoffreError('MOVE_REFUSED', { facts: { move, state } })
}

function missingVersion(): never {
  throw new CoffreError('KEY_VERSION_NOT_FOUND')
}
