import assert from 'node:assert/strict'
import { DAY } from '../../src/model/clock.ts'
import type { Coffre, KeyView } from '../../src/model/coffre.ts'
import { newRequestId, systemCaller } from '../../src/service/caller.ts'
import type { Core } from '../../src/service/operator/core.ts'
import { codeOf, type Ledger } from './invariants.ts'
import { TRUST_OPERATIONS } from './swept-trust.ts'

/** A Coffre under test and what a test may reach in it. */
export interface Subject {
  readonly core: Core
  readonly coffre: Coffre
}

/** A key of its own for one attempt, and what belongs to it. */
export interface Attempt {
  readonly key: string
  readonly ledger: Ledger
  /** Moves the clock of every Coffre of this sweep. */
  readonly passTime: (milliseconds: number) => void
  /** What `prepare` leaves for `run`. */
  note: string
}

export interface SweptOperation {
  readonly name: string
  /** The record that its success leaves. */
  readonly action: string
  /** It makes more calls the more is stored, so each attempt has a store of its own. */
  readonly growsWithStore?: true
  /** The Coffre that fails starts sealed. */
  readonly sealed?: true
  /** What must be so before, done by a Coffre that does not fail. */
  readonly prepare?: (subject: Subject, attempt: Attempt) => Promise<void>
  readonly run: (subject: Subject, attempt: Attempt) => Promise<void>
  /** What brings into memory what the operation changes; encrypting under the key when absent. */
  readonly warm?: (subject: Subject, attempt: Attempt) => Promise<void>
  /** Throws when memory disagrees with the store about what the operation changes. */
  readonly compare?: (subject: Subject, attempt: Attempt) => Promise<void>
}

const PLAINTEXT = 'a value under fault'

function change(
  move: string,
  run: (coffre: Coffre, key: string) => Promise<KeyView>,
  more: {
    readonly name?: string
    readonly action?: string
    readonly prepare?: SweptOperation['prepare']
  } = {},
): SweptOperation {
  const { name = move, action = `key.${move}`, prepare } = more
  return {
    name,
    action,
    ...(prepare === undefined ? {} : { prepare }),
    run: async ({ coffre }, { key, ledger }) => {
      ledger.doubt(key, move)
      ledger.settle(await run(coffre, key))
    },
  }
}

const settled =
  (...moves: ((coffre: Coffre, key: string) => Promise<KeyView>)[]) =>
  async ({ coffre }: Subject, { key, ledger }: Attempt): Promise<void> => {
    for (const move of moves) ledger.settle(await move(coffre, key))
  }

const suspend = (coffre: Coffre, key: string) => coffre.keys.suspend(key)
const raiseFloor = (coffre: Coffre, key: string) => coffre.keys.setFloor(key, 2)
const schedule = (coffre: Coffre, key: string) => coffre.keys.scheduleDestroy(key, { days: 7 })

const CHANGES: readonly SweptOperation[] = [
  {
    name: 'create',
    action: 'key.create',
    run: async ({ coffre }, { key, ledger }) => {
      ledger.settle(await coffre.keys.create({ name: `${key}-new` }))
    },
  },
  change('update', (coffre, key) => coffre.keys.update(key, { owner: 'someone' })),
  change('rotate', (coffre, key) => coffre.keys.rotate(key)),
  change('prepare', (coffre, key) => coffre.keys.prepare(key)),
  change('rotate', (coffre, key) => coffre.keys.rotate(key), {
    name: 'rotate to prepared',
    prepare: settled((coffre, key) => coffre.keys.prepare(key)),
  }),
  change('rollback', (coffre, key) => coffre.keys.rollback(key, { version: 1 })),
  change('suspend', suspend),
  change('resume', (coffre, key) => coffre.keys.resume(key), { prepare: settled(suspend) }),
  change('deactivate', (coffre, key) => coffre.keys.deactivate(key)),
  change('compromise', (coffre, key) => coffre.keys.compromise(key)),
  change('floor', raiseFloor),
  {
    name: 'destroy',
    action: 'key.destroy',
    prepare: settled(raiseFloor),
    run: async ({ coffre }, { key, ledger }) => {
      ledger.doubt(key, 'destroy')
      ledger.destroy(key, 1)
      ledger.settle(await coffre.keys.destroy(key, { version: 1 }))
    },
  },
  change('schedule-destroy', schedule),
  change('cancel-destroy', (coffre, key) => coffre.keys.cancelDestroy(key), { prepare: settled(schedule) }),
  {
    name: 'sweep',
    action: 'key.destroy',
    prepare: async (subject, attempt) => {
      await settled(schedule)(subject, attempt)
      attempt.passTime(8 * DAY)
    },
    run: async ({ core }, { key, ledger }) => {
      ledger.doubt(key, 'destroy')
      for (const version of [1, 2]) ledger.destroy(key, version)
      await core.keys.sweepDestroyed(systemCaller('sweep'))
    },
  },
]

async function encryptOne({ coffre }: Subject, { key, ledger }: Attempt): Promise<void> {
  const { ciphertext, version } = await coffre.encrypt({ key, plaintext: PLAINTEXT, context: { of: key } })
  ledger.keep({ ciphertext, plaintext: PLAINTEXT, context: { of: key }, key, version })
}

const DATA: readonly SweptOperation[] = [
  { name: 'encrypt', action: 'data.encrypt', run: encryptOne },
  {
    name: 'decrypt',
    action: 'data.decrypt',
    prepare: async ({ coffre }, attempt) => {
      attempt.note = (await coffre.encrypt({ key: attempt.key, plaintext: PLAINTEXT })).ciphertext
    },
    run: async ({ coffre }, { note }) => {
      const { plaintext } = await coffre.decrypt({ ciphertext: note })
      assert.equal(Buffer.from(plaintext).toString(), PLAINTEXT)
    },
  },
  {
    name: 'rewrap',
    action: 'data.rewrap',
    prepare: async ({ coffre }, attempt) => {
      attempt.note = (await coffre.encrypt({ key: attempt.key, plaintext: PLAINTEXT })).ciphertext
      attempt.ledger.settle(await coffre.keys.rotate(attempt.key))
    },
    run: async ({ coffre }, { key, note, ledger }) => {
      const { ciphertext, version } = await coffre.rewrap({ ciphertext: note })
      ledger.keep({ ciphertext, plaintext: PLAINTEXT, key, version })
    },
  },
  {
    name: 'data-key',
    action: 'data.data-key',
    run: async ({ coffre }, { key }) => {
      const { ciphertext, plaintext } = await coffre.generateDataKey({ key })
      const opened = await coffre.decrypt({ ciphertext })
      assert.ok(plaintext !== undefined && Buffer.compare(plaintext, opened.plaintext) === 0)
    },
  },
  {
    name: 'sign and verify',
    action: 'data.sign',
    prepare: async ({ coffre }, attempt) => {
      attempt.note = `${attempt.key}-sign`
      attempt.ledger.settle(await coffre.keys.create({ name: attempt.note, algorithm: 'ed25519' }))
    },
    run: async ({ coffre }, { note }) => {
      const { signature } = await coffre.sign({ key: note, message: PLAINTEXT })
      await coffre.verify({ key: note, message: PLAINTEXT, signature })
    },
  },
  { name: 'random', action: 'data.random', run: async ({ coffre }) => void (await coffre.random({})) },
]

const idOf = (note: string): string => note.split(' ')[0] ?? ''
const textOf = (note: string): string => note.split(' ')[1] ?? ''

const ACCESS: readonly SweptOperation[] = [
  {
    name: 'token create',
    action: 'token.create',
    run: async ({ coffre }, { key }) => {
      const { id } = await coffre.tokens.create({ name: key, role: 'app' })
      assert.ok((await coffre.tokens.list()).some((token) => token.id === id))
    },
  },
  {
    name: 'token revoke',
    action: 'token.revoke',
    prepare: async ({ coffre }, attempt) => {
      const { id, token } = await coffre.tokens.create({ name: attempt.key, role: 'app' })
      attempt.note = `${id} ${token.reveal()}`
    },
    warm: async ({ core }, { note }) =>
      void (await core.tokens.authenticate(textOf(note), { requestId: newRequestId() })),
    run: async ({ coffre }, { note }) => coffre.tokens.revoke(idOf(note)),
    compare: async ({ core, coffre }, { note }) => {
      const stored = (await coffre.tokens.list()).find(({ id }) => id === idOf(note))
      const code = await codeOf(() => core.tokens.authenticate(textOf(note), { requestId: newRequestId() }))
      assert.equal(code === undefined, stored?.revokedAt === undefined, 'a revoked token is still accepted')
    },
  },
  {
    name: 'seal',
    action: 'coffre.seal',
    run: async ({ coffre }) => {
      assert.equal((await coffre.operator.seal()).sealed, true)
    },
  },
  {
    name: 'unseal',
    action: 'coffre.unseal',
    sealed: true,
    run: async ({ coffre }) => {
      assert.equal((await coffre.operator.unseal()).sealed, false)
    },
  },
]

const DOCUMENT = { rules: [{ keys: ['*'], operations: ['data.*'] }] } as const
const OTHER_DOCUMENT = { rules: [{ keys: ['*'], operations: ['key.read'] }] } as const

async function makePolicy({ coffre }: Subject, { key }: Attempt): Promise<void> {
  await coffre.policies.create(key, DOCUMENT)
}

const POLICIES: readonly SweptOperation[] = [
  { name: 'policy create', action: 'policy.create', run: makePolicy },
  {
    name: 'policy update',
    action: 'policy.update',
    prepare: makePolicy,
    run: async ({ coffre }, { key }) => {
      const { document } = await coffre.policies.update(key, OTHER_DOCUMENT)
      assert.deepEqual(document, OTHER_DOCUMENT)
    },
  },
  {
    name: 'policy delete',
    action: 'policy.delete',
    prepare: makePolicy,
    run: ({ coffre }, { key }) => coffre.policies.delete(key),
  },
]

/** Every operation that the sweep takes through every call. A new one that writes belongs here. */
export const SWEPT_OPERATIONS: readonly SweptOperation[] = [
  ...CHANGES,
  ...DATA,
  ...ACCESS,
  ...POLICIES,
  ...TRUST_OPERATIONS,
]
