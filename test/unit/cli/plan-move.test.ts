import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  planCancelDestroy,
  planDestroy,
  planFloor,
  planMove,
  planRollback,
  planPrepare,
  planRotate,
} from '../../../src/cli/command/plan-move.ts'
import { planScheduleDestroy } from '../../../src/cli/command/plan-move.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import * as rotation from '../../../src/keyring/rotation.ts'
import { toInstant } from '../../../src/model/clock.ts'
import type { KeyView } from '../../../src/model/coffre.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseKeyId, parseKeyName, parseVersionNumber } from '../../../src/model/ids.ts'
import type { KeyStateName } from '../../../src/model/key-state.ts'
import type { Key } from '../../../src/model/key.ts'

const NOW = toInstant(1_800_000_000_000)
const STATE_MOVES = ['suspend', 'resume', 'deactivate', 'compromise'] as const
const VERSIONS = [undefined, 1, 2, 9]

interface Case {
  readonly name: string
  readonly foresee: (view: KeyView) => unknown
  readonly move: (key: Key) => Key | Refusal
}

const CASES: readonly Case[] = [
  ...STATE_MOVES.flatMap((move) =>
    VERSIONS.map((version) => ({
      name: `${move} ${version ?? ''}`,
      foresee: (view: KeyView) => planMove(view, move, version),
      move: (key: Key) => rotation.moveKey(key, move, choice(version)),
    })),
  ),
  ...VERSIONS.map((version) => ({
    name: `rollback ${version ?? ''}`,
    foresee: (view: KeyView) => planRollback(view, version),
    move: (key: Key) => rotation.rollbackKey(key, choice(version)),
  })),
  {
    name: 'rotate',
    foresee: planRotate,
    move: (key) =>
      rotation.preparedVersion(key) === undefined
        ? rotation.rotateKey(key, { now: NOW })
        : rotation.activatePrepared(key, NOW),
  },
  { name: 'prepare', foresee: planPrepare, move: (key) => rotation.prepareKey(key, { now: NOW }) },
  ...[1, 2, 9].flatMap((version) => [
    {
      name: `destroy ${version}`,
      foresee: (view: KeyView) => planDestroy(view, version),
      move: (key: Key) => rotation.destroyVersion(key, version, NOW),
    },
    {
      name: `floor ${version}`,
      foresee: (view: KeyView) => planFloor(view, version),
      move: (key: Key) => rotation.setFloor(key, version, NOW),
    },
  ]),
  {
    name: 'schedule-destroy',
    foresee: planScheduleDestroy,
    move: (key) => rotation.scheduleDestroy(key, 7, NOW),
  },
  { name: 'cancel-destroy', foresee: planCancelDestroy, move: (key) => rotation.cancelDestroy(key, NOW) },
]

describe('a dry run', () => {
  const keys = everyKey().filter((key) => !isAmbiguous(key))

  for (const each of CASES) {
    test(`of ${each.name} foresees what the keyring decides, for ${keys.length} keys`, () => {
      assert.ok(keys.length > 100)
      for (const key of keys) {
        const outcome = each.move(key)
        const foreseen = foresee(() => each.foresee(toView(key)))
        const expected = outcome instanceof Refusal ? outcome.code : 'ok'
        assert.equal(foreseen.code, expected, JSON.stringify(toView(key)))
        if (!(outcome instanceof Refusal)) assertChanges(foreseen.plan, key, outcome)
      }
    })
  }
})

function foresee(plan: () => unknown): { readonly code: string; readonly plan?: unknown } {
  try {
    return { code: 'ok', plan: plan() }
  } catch (error) {
    if (error instanceof CoffreError) return { code: error.code }
    throw error
  }
}

/** Every version that the move changed is foreseen, with its states; nothing else is. */
function assertChanges(plan: unknown, before: Key, after: Key): void {
  if (plan === undefined) return
  const changed = after.versions.filter(
    (version, at) => version.state.name !== before.versions[at]?.state.name,
  )
  const foreseen = plan as { version: number; after?: KeyStateName }[]
  const byNumber = foreseen.toSorted((a, b) => a.version - b.version)
  assert.deepEqual(
    byNumber.map((each) => each.version),
    changed.map((version) => version.version),
  )
  for (const [at, each] of byNumber.entries()) {
    if (each.after !== undefined) assert.equal(each.after, changed[at]?.state.name)
  }
}

/** Every key that up to five moves make of a new one. Each state counts once, whatever led to it. */
function everyKey(): readonly Key[] {
  const found = new Map<string, Key>()
  let edge: readonly Key[] = [newKey()]
  for (let depth = 0; depth < 5; depth += 1) {
    const next = edge.flatMap((key) => CASES.map((each) => each.move(key)))
    edge = next.flatMap((key) => {
      if (key instanceof Refusal || key.versions.length > 3 || found.has(shapeOf(key))) return []
      found.set(shapeOf(key), key)
      return [key]
    })
  }
  return [...found.values(), newKey()]
}

function shapeOf(key: Key): string {
  const states = key.versions.map(
    ({ state }) => `${state.name}${'resumesTo' in state ? state.resumesTo : ''}`,
  )
  return [...states, key.floor, key.destroyAt].join()
}

/** Nothing current, and a suspended version that will not be current: its view looks as if it would. */
function isAmbiguous(key: Key): boolean {
  const isMisleading = key.versions.some(
    ({ state }) => state.name === 'suspended' && state.resumesTo === 'deactivated',
  )
  return isMisleading && rotation.currentVersion(key) === undefined
}

function newKey(): Key {
  return {
    id: parseKeyId('0193a73a-b400-7000-8000-000000000001'),
    tenant: DEFAULT_TENANT,
    name: parseKeyName('invoices'),
    algorithm: 'aes256-gcm',
    purpose: 'encrypt',
    labels: { description: '', owner: '', environment: '', securityLevel: 'medium', tags: {} },
    createdAt: NOW,
    updatedAt: NOW,
    epoch: 1,
    floor: parseVersionNumber(1),
    versions: [{ version: parseVersionNumber(1), state: { name: 'active', since: NOW }, createdAt: NOW }],
  }
}

function toView(key: Key): KeyView {
  const current = rotation.currentVersion(key)?.version
  return {
    ...key.labels,
    id: key.id,
    name: key.name,
    algorithm: key.algorithm,
    purpose: key.purpose,
    createdAt: '',
    updatedAt: '',
    floor: key.floor,
    exportable: false,
    ...(current === undefined ? {} : { currentVersion: current }),
    ...(key.destroyAt === undefined ? {} : { destroyAt: '2030-01-01T00:00:00.000Z' }),
    versions: key.versions.map(({ version, state }) => ({
      version,
      state: state.name,
      since: '',
      createdAt: '',
      origin: 'generated' as const,
    })),
  }
}

function choice(version: number | undefined): rotation.VersionChoice {
  return version === undefined ? { now: NOW } : { now: NOW, version }
}
