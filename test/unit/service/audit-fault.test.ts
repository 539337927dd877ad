import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { CoffreError } from '../../../src/model/errors.ts'
import { localCaller } from '../../../src/service/caller.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import type { Store, StoreTransaction } from '../../../src/store/store.ts'
import { coreOver, memorySeal } from '../../core-over.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

/** A real store whose audit table can be made to fail, as a full disk would. */
class FaultyStore {
  fails = false
  readonly store: Store

  constructor(real: Store) {
    this.store = intercept(real, {
      transaction: (work: (tx: StoreTransaction) => Promise<unknown>) =>
        real.transaction((tx) => work(intercept(tx, { appendAudit: this.#append(tx) }))),
    })
  }

  #append(tx: StoreTransaction): StoreTransaction['appendAudit'] {
    return (...given) => {
      if (this.fails) throw new CoffreError('STORE_UNAVAILABLE')
      return tx.appendAudit(...given)
    }
  }
}

function intercept<Target extends object>(target: Target, changes: object): Target {
  return new Proxy(target, {
    get(real, name) {
      const member: unknown = Reflect.get(name in changes ? changes : real, name)
      return typeof member === 'function' ? member.bind(real) : member
    },
  })
}

async function setUp(t: TestContext) {
  const faulty = new FaultyStore(await openSqliteStore({ folder: makeFolder(t) }))
  const { store } = faulty
  const seal = memorySeal()
  const { core, coffre } = coreOver(store, { seal })
  await core.initialise(localCaller(), seal)
  t.after(() => core.close())
  await coffre.keys.create({ name: 'k' })
  const { ciphertext } = await coffre.encrypt({ key: 'k', plaintext: 'x' })
  return { faulty, coffre, ciphertext }
}

describe('while the audit log cannot be written', () => {
  test('no data operation gives its result', async (t) => {
    const { faulty, coffre, ciphertext } = await setUp(t)
    faulty.fails = true
    const unavailable = failsWith('AUDIT_UNAVAILABLE')
    await assert.rejects(coffre.encrypt({ key: 'k', plaintext: 'x' }), unavailable)
    await assert.rejects(coffre.decrypt({ ciphertext }), unavailable)
    await assert.rejects(coffre.rewrap({ ciphertext }), unavailable)
    await assert.rejects(coffre.generateDataKey({ key: 'k' }), unavailable)
    await assert.rejects(coffre.random({}), unavailable)
    await assert.rejects(coffre.batch('decrypt', [{ ciphertext }, { ciphertext: 'x' }]), unavailable)
  })

  test('no key or token changes', async (t) => {
    const { faulty, coffre } = await setUp(t)
    const before = await coffre.keys.list()
    faulty.fails = true
    await assert.rejects(coffre.keys.rotate('k'), CoffreError)
    await assert.rejects(coffre.keys.create({ name: 'more' }), CoffreError)
    await assert.rejects(coffre.keys.suspend('k'), CoffreError)
    await assert.rejects(coffre.tokens.create({ name: 't', role: 'app' }), CoffreError)
    faulty.fails = false
    assert.deepEqual(await coffre.keys.list(), before)
    assert.deepEqual(await coffre.tokens.list(), [])
    assert.equal((await coffre.encrypt({ key: 'k', plaintext: 'x' })).version, 1)
  })

  test('what was not written leaves no gap afterwards', async (t) => {
    const { faulty, coffre, ciphertext } = await setUp(t)
    const { size } = await coffre.audit.verify()
    faulty.fails = true
    await assert.rejects(coffre.decrypt({ ciphertext }))
    faulty.fails = false
    await coffre.decrypt({ ciphertext })
    const after = await coffre.audit.verify()
    assert.deepEqual([after.valid, after.size], [true, size + 1])
  })
})

test('concurrent operations share commits and each leaves its record', async (t) => {
  const { coffre, ciphertext } = await setUp(t)
  const { size } = await coffre.audit.verify()
  await Promise.all(Array.from({ length: 100 }, () => coffre.decrypt({ ciphertext })))
  const after = await coffre.audit.verify()
  assert.deepEqual([after.valid, after.size], [true, size + 100])
  const records = await coffre.audit.list({ from: size, limit: 1_000 })
  assert.equal(new Set(records.map(({ requestId }) => requestId)).size, 100)
})
