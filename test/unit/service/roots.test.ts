import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { openCoffre } from '../../../src/app.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import type { Coffre } from '../../../src/model/coffre.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../../src/model/ids.ts'
import { UnsealedVault } from '../../../src/seal/vault.ts'
import { CallerCoffre, withOwnRequests } from '../../../src/service/caller-coffre.ts'
import { localCaller, systemCaller } from '../../../src/service/caller.ts'
import type { Core } from '../../../src/service/operator/core.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import { assembleCore } from '../../assemble-core.ts'
import { changeStore, failsWith, makeFolder } from '../../temporary.ts'

interface Node {
  readonly core: Core
  readonly coffre: Coffre
}

/** Two processes' worth of Coffre on one folder, both unsealed, with one key. */
async function startTwo(t: TestContext, rootLingerMs: number): Promise<[Node, Node, string]> {
  const folder = makeFolder(t)
  const made = await openCoffre({ dataDir: folder, createIfMissing: true })
  await made.keys.create({ name: 'k' })
  await made.close()
  const open = async (share: { share?: 'member' }): Promise<Node> => {
    const core = assembleCore(await openSqliteStore({ folder, ...share }), folder, { rootLingerMs })
    await core.unseal(systemCaller('start'))
    return { core, coffre: new CallerCoffre(core, withOwnRequests(localCaller())) }
  }
  const [first, second] = [await open({}), await open({ share: 'member' })]
  t.after(async () => {
    await second.core.close()
    await first.core.close()
  })
  return [first, second, folder]
}

async function rotateRoot({ core, coffre }: Node): Promise<void> {
  await coffre.operator.ceremonies.begin({ kind: 'rotate-root' })
  await core.finishSweep()
}

describe('another process, after a rotation of the root key,', () => {
  test('writes under the new one, and reads what is there, while the link is there', async (t) => {
    const [first, second] = await startTwo(t, 60_000)
    const before = await first.core.store.countWrapped(1)
    await rotateRoot(first)
    await second.coffre.keys.create({ name: 'new' })
    const { ciphertext } = await second.coffre.encrypt({ key: 'k', plaintext: 'x' })
    await first.coffre.keys.create({ name: 'newer' })
    await second.coffre.encrypt({ key: 'newer', plaintext: 'x' })
    assert.equal((await first.coffre.decrypt({ ciphertext })).key, 'k')
    assert.equal(await first.core.store.countWrapped(1), 0)
    assert.equal(await first.core.store.countWrapped(2), before + 2)
  })

  test('is sealed when it comes too late, and is unsealed as ever', async (t) => {
    const [first, second] = await startTwo(t, 0)
    await rotateRoot(first)
    await assert.rejects(second.coffre.keys.create({ name: 'late' }), failsWith('SEALED'))
    assert.equal(second.core.isSealed, true)
    await second.core.unseal(systemCaller('test'))
    await second.coffre.keys.create({ name: 'late' })
    await first.coffre.encrypt({ key: 'late', plaintext: 'x' })
  })

  test('reads a key for the first time under the new one', async (t) => {
    const [first, second] = await startTwo(t, 60_000)
    await rotateRoot(first)
    assert.equal((await second.coffre.encrypt({ key: 'k', plaintext: 'x' })).key, 'k')
  })
})

test('a row that does not open keeps its root key, and the others go on', async (t) => {
  const folder = makeFolder(t)
  const made = await openCoffre({ dataDir: folder, createIfMissing: true })
  for (const name of ['a', 'b', 'c']) await made.keys.create({ name })
  await made.close()
  changeStore(folder, (database) =>
    database.exec(
      `update key_version set wrapped = x'0100' where key_id = (select id from "key" where name = 'b')`,
    ),
  )
  const core = assembleCore(await openSqliteStore({ folder }), folder)
  t.after(() => core.close())
  await core.unseal(systemCaller('start'))
  const coffre = new CallerCoffre(core, withOwnRequests(localCaller()))
  await rotateRoot({ core, coffre })
  const status = await coffre.operator.status()
  assert.deepEqual([status.rootGeneration, status.rootRemaining], [2, 1])
  for (const key of ['a', 'c']) await coffre.encrypt({ key, plaintext: 'x' })
  await assert.rejects(coffre.encrypt({ key: 'b', plaintext: 'x' }), failsWith('STORE_DAMAGED'))
  // Another rotation would leave it two root keys behind.
  await assert.rejects(
    coffre.operator.ceremonies.begin({ kind: 'rotate-root' }),
    failsWith('CEREMONY_UNDER_WAY'),
  )
})

describe('a vault', () => {
  const seal = {
    name: 'file',
    create: async () => ({ sealKey: randomKeyMaterial(32), parameters: new Uint8Array(0) }),
    recover: () => assert.fail('not needed'),
  } as const
  const binding = {
    tenant: parseTenantId('default'),
    keyId: parseKeyId('0193a73a-b400-7000-8000-000000000001'),
    version: parseVersionNumber(1),
    algorithm: 'aes256-gcm',
    purpose: 'encrypt',
  } as const
  const material = randomKeyMaterial(32)

  test('goes to a sibling process under a key that only the two have', async () => {
    const { vault } = await UnsealedVault.create(seal)
    const next = await vault.prepareNext(seal)
    const old = vault.wrap(material, binding)
    vault.follow([next.forward])
    const [transport, other] = [randomKeyMaterial(32), randomKeyMaterial(32)]
    const sent = vault.wrapRootFor(transport)
    const sibling = UnsealedVault.fromSibling(transport, sent)
    assert.equal(sibling.generation, 2)
    assert.ok(sibling.unwrap(old, binding).equals(material))
    assert.ok(vault.unwrap(sibling.wrap(material, binding), binding).equals(material))
    assert.throws(() => UnsealedVault.fromSibling(other, sent), failsWith('DECRYPTION_FAILED'))
  })

  test('follows a link only between the two root keys that it names', async () => {
    const { vault } = await UnsealedVault.create(seal)
    const { forward } = await vault.prepareNext(seal)
    for (const change of [{ to: 3 }, { wrapped: forward.wrapped.with(9, (forward.wrapped[9] ?? 0) ^ 1) }]) {
      const link = { ...forward, ...change } as typeof forward
      assert.throws(() => vault.follow([link]), failsWith('STORE_DAMAGED'))
    }
    vault.follow([{ ...forward, from: 7 }])
    assert.equal(vault.generation, 1)
  })

  test('forgets root keys that are behind it', async () => {
    const { vault } = await UnsealedVault.create(seal)
    const old = vault.wrap(material, binding)
    vault.follow([(await vault.prepareNext(seal)).forward])
    assert.ok(vault.knows(1))
    assert.ok(vault.unwrap(vault.rewrap(old, binding), binding).equals(material))
    vault.forgetBefore(2)
    assert.throws(() => vault.unwrap(old, binding), failsWith('STORE_DAMAGED'))
  })
})
