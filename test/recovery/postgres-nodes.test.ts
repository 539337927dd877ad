import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type OpenedCore, openCoffre, openCore } from '../../src/app.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { CoffreProcess } from '../cli/coffre-process.ts'
import { POSTGRES_18, PostgresServer } from '../postgres-server.ts'
import { failsWith, makeFolder } from '../temporary.ts'

const plaintext = 'bonjour'

describe('several nodes on one PostgreSQL', { skip: POSTGRES_18.skip }, () => {
  const server = new PostgresServer()
  before(() => server.start())
  after(() => server.remove())

  async function openNodes(t: TestContext, count: number): Promise<readonly Coffre[]> {
    const databaseUrl = await server.makeDatabase()
    const dataDir = makeFolder(t)
    const options = { dataDir, databaseUrl, createIfMissing: true }
    const nodes = await Promise.all(Array.from({ length: count }, () => openCoffre(options)))
    t.after(() => Promise.all(nodes.map((node) => node.close())).then(() => undefined))
    return nodes
  }

  test('nodes that start on an empty database at once make one Coffre with one first token', async (t) => {
    const databaseUrl = await server.makeDatabase()
    const dataDir = makeFolder(t)
    const opened: readonly OpenedCore[] = await Promise.all(
      Array.from({ length: 3 }, () => openCore({ dataDir, databaseUrl, createIfMissing: true })),
    )
    t.after(() => Promise.all(opened.map(({ core }) => core.close())).then(() => undefined))
    assert.equal(opened.filter(({ initialisedNow }) => initialisedNow).length, 1)
    const [first] = opened
    assert.ok(first)
    assert.equal((await first.core.store.listSealSlots()).length, 1)
    const text = readFileSync(join(dataDir, 'first-token'), 'utf8').trim()
    for (const { core } of opened) {
      assert.equal(core.isSealed, false)
      const caller = await core.tokens.authenticate(text, { requestId: 'r'.repeat(8) as never })
      assert.equal((await core.tokens.list(caller)).length, 1)
    }
    assert.equal((await first.core.status()).store, 'postgres')
  })

  test('a key that one node suspends answers nothing on any other from then on', async (t) => {
    const nodes = await openNodes(t, 3)
    const [first] = nodes
    assert.ok(first)
    await first.keys.create({ name: 'k' })
    for (let round = 0; round < 6; round += 1) {
      const changing = nodes[round % 3] ?? first
      for (const node of nodes) await node.encrypt({ key: 'k', plaintext })
      await changing.keys.suspend('k')
      await Promise.all(
        nodes.map((node) =>
          assert.rejects(node.encrypt({ key: 'k', plaintext }), failsWith('KEY_SUSPENDED')),
        ),
      )
      await changing.keys.resume('k')
    }
  })

  test('what one node encrypts under a new version every other decrypts at once', async (t) => {
    const nodes = await openNodes(t, 3)
    await nodes[0]?.keys.create({ name: 'k' })
    for (let round = 0; round < 6; round += 1) {
      const node = nodes[round % 3]
      assert.ok(node)
      await node.keys.rotate('k')
      const { ciphertext, version } = await node.encrypt({ key: 'k', plaintext })
      assert.equal(version, round + 2)
      for (const other of nodes) assert.equal((await other.decrypt({ ciphertext })).version, version)
    }
  })

  test('rotations of all nodes at once leave a chain without gap or double', async (t) => {
    const nodes = await openNodes(t, 3)
    await nodes[0]?.keys.create({ name: 'k' })
    await Promise.all(nodes.flatMap((node) => Array.from({ length: 5 }, () => node.keys.rotate('k'))))
    const key = await nodes[1]?.keys.get('k')
    assert.ok(key)
    assert.deepEqual(
      key.versions.map(({ version }) => version),
      Array.from({ length: 16 }, (_, index) => index + 1),
    )
    assert.equal(key.versions.filter(({ state }) => state === 'active').length, 1)
    assert.equal((await nodes[2]?.audit.verify())?.valid, true)
  })

  test('every embedded command works on a database, and no password is taken from the command line', async (t) => {
    const url = await server.makeDatabase()
    const coffre = new CoffreProcess(t)
    const environment = { COFFRE_DATABASE_URL: url }
    assert.match((await coffre.runHere(['status'], { environment })).error, /NOT_INITIALISED/)
    for (const line of ['init', 'key create k', 'audit log verify']) {
      const { code, error } = await coffre.runHere(line.split(' '), { environment })
      assert.equal(code, 0, error)
    }
    assert.match((await coffre.runHere(['status', '--json'], { environment })).out, /"store": ?"postgres"/)
    const refused = await coffre.runHere(['status', '--database-url', url])
    assert.match(refused.error, /CONFIG_REFUSED/)
    assert.match(refused.error, /COFFRE_DATABASE_URL_FILE/)
    assert.ok(!refused.error.includes(new URL(url).password))
    const bare = new URL(url)
    bare.password = ''
    // From the environment of the process itself, as the driver reads it.
    const options = { environment: { PGPASSWORD: new URL(url).password } }
    const shown = await coffre.run(['status', '--json', '--database-url', bare.href], options)
    assert.match(shown.out, /"store": ?"postgres"/)
  })
})
