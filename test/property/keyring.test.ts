import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openCoffre } from '../../src/app.ts'
import { DAY, toInstant } from '../../src/model/clock.ts'
import type { Coffre, KeyView } from '../../src/model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../src/model/errors.ts'
import { makeFolder, openTemporary } from '../temporary.ts'

type Move = (coffre: Coffre, name: string, version: number) => Promise<unknown>

const MOVES: Readonly<Record<string, Move>> = {
  encrypt: async () => undefined,
  rotate: (coffre, name) => coffre.keys.rotate(name),
  prepare: (coffre, name) => coffre.keys.prepare(name),
  rollback: (coffre, name) => coffre.keys.rollback(name),
  rollbackTo: (coffre, name, version) => coffre.keys.rollback(name, { version }),
  suspend: (coffre, name) => coffre.keys.suspend(name),
  suspendOne: (coffre, name, version) => coffre.keys.suspend(name, { version }),
  resume: (coffre, name) => coffre.keys.resume(name),
  resumeOne: (coffre, name, version) => coffre.keys.resume(name, { version }),
  deactivate: (coffre, name) => coffre.keys.deactivate(name),
  deactivateOne: (coffre, name, version) => coffre.keys.deactivate(name, { version }),
  compromise: (coffre, name) => coffre.keys.compromise(name),
  compromiseOne: (coffre, name, version) => coffre.keys.compromise(name, { version }),
  floor: (coffre, name, version) => coffre.keys.setFloor(name, version),
  destroy: (coffre, name, version) => coffre.keys.destroy(name, { version }),
  schedule: (coffre, name) => coffre.keys.scheduleDestroy(name),
  cancel: (coffre, name) => coffre.keys.cancelDestroy(name),
}

/** Codes that a move may be refused with. Anything else is a fault of ours. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'MOVE_REFUSED',
  'KEY_SUSPENDED',
  'KEY_VERSION_UNUSABLE',
  'KEY_VERSION_NEEDED',
  'KEY_VERSION_NOT_FOUND',
  'KEY_PENDING_DESTRUCTION',
])

async function attempt(work: () => Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (!(error instanceof CoffreError)) throw error
    assert.ok(REFUSALS.has(error.code), error.code)
    return error.code
  }
}

/** What the documentation says that a version may still do, told from the view alone. */
function expectedToDecrypt(key: KeyView, version: number): ErrorCode | undefined {
  if (key.destroyAt !== undefined) return 'KEY_PENDING_DESTRUCTION'
  const state = key.versions[version - 1]?.state
  if (state === 'suspended') return 'KEY_SUSPENDED'
  const reads = state === 'active' || state === 'deactivated' || state === 'compromised'
  return reads && version >= key.floor ? undefined : 'KEY_VERSION_UNUSABLE'
}

function checkShape(key: KeyView): void {
  assert.deepEqual(
    key.versions.map(({ version }) => version),
    key.versions.map((_, index) => index + 1),
  )
  const active = key.versions.filter(({ state }) => state === 'active')
  assert.ok(active.length <= 1, 'two active versions')
  assert.equal(key.currentVersion, active[0]?.version)
  assert.ok((active[0]?.version ?? key.floor) >= key.floor, 'the current version is below the floor')
}

const steps = fc.array(
  fc.record({ move: fc.constantFrom(...Object.keys(MOVES)), version: fc.integer({ min: 1, max: 5 }) }),
  { minLength: 5, maxLength: 30 },
)

test('whatever is done to a key, all that was encrypted decrypts while its version may read', async (t) => {
  const coffre = await openTemporary(t)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const name = `k${(runs += 1)}`
      await coffre.keys.create({ name })
      const made: { ciphertext: string; version: number }[] = []
      for (const { move, version } of [{ move: 'encrypt', version: 1 }, ...sequence]) {
        await attempt(() => MOVES[move]?.(coffre, name, version) ?? Promise.resolve())
        const key = await coffre.keys.get(name)
        checkShape(key)
        const refused = await attempt(async () =>
          made.push(await coffre.encrypt({ key: name, plaintext: `under ${name}` })),
        )
        const open = key.destroyAt === undefined && key.currentVersion !== undefined
        assert.equal(refused === undefined, open, `encrypt: ${refused}`)
        await checkAll(coffre, key, made)
      }
    }),
    { numRuns: 60 },
  )
  assert.ok(runs >= 60)
  assert.equal((await coffre.audit.verify()).valid, true)
})

async function checkAll(
  coffre: Coffre,
  key: KeyView,
  made: readonly { ciphertext: string; version: number }[],
) {
  const items = await coffre.batch(
    'decrypt',
    made.map(({ ciphertext }) => ({ ciphertext })),
  )
  for (const [index, item] of items.entries()) {
    const version = made[index]?.version ?? 0
    const code = item.ok ? undefined : item.error.code
    assert.equal(code, expectedToDecrypt(key, version), `version ${version}`)
    if (item.ok) assert.equal(Buffer.from(item.value.plaintext).toString(), `under ${key.name}`)
  }
}

test('keys whose window has closed are destroyed at the next start, and no others', async (t) => {
  const folder = makeFolder(t)
  let now = toInstant(1_800_000_000_000)
  const clock = () => now
  const first = await openTemporary(t, { dataDir: folder, clock })
  for (const name of ['kept', 'later', 'due', 'cancelled']) await first.keys.create({ name })
  const { ciphertext } = await first.encrypt({ key: 'due', plaintext: 'x' })
  await first.keys.scheduleDestroy('later', { days: 30 })
  await first.keys.scheduleDestroy('due', { days: 7 })
  await first.keys.scheduleDestroy('cancelled', { days: 7 })
  await first.keys.cancelDestroy('cancelled')
  await first.close()
  now = toInstant(now + 7 * DAY)
  const second = await openCoffre({ dataDir: folder, clock })
  t.after(() => second.close())
  await untilDestroyed(second, 'due')
  const states = (await second.keys.list()).map(({ name, versions }) => `${name} ${versions[0]?.state}`)
  assert.deepEqual(states, ['cancelled active', 'due destroyed', 'kept active', 'later active'])
  assert.ok(
    (await second.audit.list({ limit: 1_000 })).some(
      ({ action, principal }) => action === 'key.destroy' && principal === 'system:sweep',
    ),
  )
  const [item] = await second.batch('decrypt', [{ ciphertext }])
  assert.equal(item?.ok === false ? item.error.code : 'ok', 'KEY_VERSION_UNUSABLE')
  const [again] = await second.batch('encrypt', [{ key: 'due', plaintext: 'x' }])
  assert.equal(again?.ok, false)
})

/** The sweep runs beside the open; each look is a read of the store. */
async function untilDestroyed(coffre: Coffre, name: string): Promise<void> {
  for (let looks = 0; looks < 10_000; looks += 1) {
    const { versions } = await coffre.keys.get(name)
    if (versions.every(({ state }) => state === 'destroyed')) return
  }
  assert.fail('the sweep did not come')
}
