import assert from 'node:assert/strict'
import { localCaller } from '../../src/service/caller.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import { coreOver, memorySeal } from '../core-over.ts'
import { makeMemoryFolder, type Scope } from '../temporary.ts'
import { type FaultKind, FaultPlan, faultyStore } from './faulty-store.ts'
import { codeOf } from './invariants.ts'

const DRIVER_MS = 5
const MAX_CALLS = 50

/** Each call of `init` fails once, each in a new store. Answers how many there were. */
export async function sweepInit(scope: Scope, kind: FaultKind): Promise<number> {
  let at = 1
  while (await failInit(scope, kind, at)) {
    at += 1
    assert.ok(at < MAX_CALLS, 'init never runs through')
  }
  return at - 1
}

/** Answers whether the fault was reached. */
async function failInit(scope: Scope, kind: FaultKind, at: number): Promise<boolean> {
  const store = await openSqliteStore({ folder: makeMemoryFolder(scope) })
  const seal = memorySeal()
  const plan = new FaultPlan(DRIVER_MS)
  const first = coreOver(faultyStore(store, plan), { seal })
  const caller = localCaller()
  try {
    plan.arm(at, kind)
    const code = await codeOf(() => first.core.initialise(caller, seal))
    const { reached } = await plan.disarm()
    const where = `init, call ${at} (${reached}), ${kind}`
    assert.ok(code === undefined || code === 'STORE_UNAVAILABLE' || code === 'AUDIT_UNAVAILABLE', where)
    if (code === undefined) assert.equal(await first.core.isInitialised(), true, where)
    // Another process finds all of it or nothing, and goes on from there.
    const second = coreOver(store, { seal })
    if (await second.core.isInitialised()) await second.coffre.operator.unseal()
    else await second.core.initialise(caller, seal)
    await second.coffre.keys.create({ name: 'a' })
    const { ciphertext } = await second.coffre.encrypt({ key: 'a', plaintext: 'x' })
    assert.equal(Buffer.from((await second.coffre.decrypt({ ciphertext })).plaintext).toString(), 'x')
    const records = await second.coffre.audit.list({ limit: 1_000 })
    assert.equal(records.filter(({ action }) => action === 'coffre.init').length, 1, where)
    assert.equal((await second.coffre.audit.verify()).valid, true, where)
    await second.coffre.operator.seal()
    return reached !== undefined
  } finally {
    await store.close()
  }
}
