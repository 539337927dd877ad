import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { moveStore, openCoffre } from '../../src/app.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { CoffreProcess } from '../cli/coffre-process.ts'
import { POSTGRES_18, PostgresServer } from '../postgres-server.ts'
import { failsWith, makeFolder } from '../temporary.ts'

const CHILD = join(import.meta.dirname, 'move-child.ts')

interface Filled {
  readonly dataDir: string
  readonly ciphertexts: readonly string[]
  readonly keys: readonly object[]
  readonly auditSize: number
}

/** Keys in several states, with versions, tokens, and more records than one page holds. */
async function fill(dataDir: string): Promise<Filled> {
  const coffre = await openCoffre({ dataDir, createIfMissing: true })
  try {
    const ciphertexts: string[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      await coffre.keys.create({ name, tags: { team: 'énergie' } })
      ciphertexts.push((await coffre.encrypt({ key: name, plaintext: `${name} 1` })).ciphertext)
      await coffre.keys.rotate(name)
      ciphertexts.push((await coffre.encrypt({ key: name, plaintext: `${name} 2` })).ciphertext)
    }
    await coffre.keys.setFloor('b', 2)
    await coffre.keys.destroy('b', { version: 1 })
    await coffre.keys.suspend('d')
    await coffre.tokens.create({ name: 'app', role: 'app' })
    for (let record = 0; record < 300; record += 1) await coffre.random({})
    return {
      dataDir,
      ciphertexts,
      keys: await coffre.keys.list(),
      auditSize: (await coffre.audit.verify()).size,
    }
  } finally {
    await coffre.close()
  }
}

async function assertSame(coffre: Coffre, filled: Filled): Promise<void> {
  assert.deepEqual(await coffre.keys.list(), filled.keys)
  const outcomes = await coffre.batch(
    'decrypt',
    filled.ciphertexts.map((ciphertext) => ({ ciphertext })),
  )
  const plaintexts = outcomes.map((item) =>
    item.ok ? Buffer.from(item.value.plaintext).toString() : item.error.code,
  )
  const gone = ['KEY_VERSION_UNUSABLE', 'b 2', 'c 1', 'c 2', 'KEY_SUSPENDED', 'KEY_SUSPENDED']
  assert.deepEqual(plaintexts, ['a 1', 'a 2', ...gone])
  const { valid, size } = await coffre.audit.verify()
  assert.ok(valid && size > filled.auditSize)
}

describe('coffre store migrate-to', { skip: POSTGRES_18.skip }, () => {
  const server = new PostgresServer()
  before(() => server.start())
  after(() => server.remove())

  async function openMoved(t: TestContext, filled: Filled, databaseUrl: string): Promise<void> {
    const coffre = await openCoffre({ dataDir: filled.dataDir, databaseUrl })
    t.after(() => coffre.close())
    await assertSame(coffre, filled)
    await assert.rejects(openCoffre({ dataDir: filled.dataDir }), failsWith('STORE_MOVED'))
    await coffre.keys.rotate('a')
  }

  test('moves everything, and the folder is closed; a dry run changes nothing', async (t) => {
    const coffre = new CoffreProcess(t)
    const filled = await fill(coffre.dataDir)
    const url = await server.makeDatabase()
    const environment = { COFFRE_DATABASE_URL: url }
    const plan = await coffre.runHere(['store', 'migrate-to', '--dry-run', '--json'], { environment })
    assert.equal(plan.code, 0, plan.error)
    await (await openCoffre({ dataDir: filled.dataDir })).close()
    const moved = await coffre.runHere(['store', 'migrate-to', '--json'], { environment })
    assert.equal(moved.code, 0, moved.error)
    assert.ok(!`${moved.out}${moved.error}`.includes(new URL(url).password))
    const { rows } = JSON.parse(moved.out) as { readonly rows: number }
    assert.ok(rows > 300)
    await openMoved(t, filled, url)
    const again = await coffre.runHere(['store', 'migrate-to'], { environment })
    assert.match(again.error, /STORE_MOVED/)
    assert.match((await coffre.runHere(['key', 'list'])).error, /STORE_MOVED[\s\S]*COFFRE_DATABASE_URL/)
  })

  test('interrupted after any step it goes on, and nobody works with the half of it', async (t) => {
    const filled = await fill(makeFolder(t))
    const { dataDir } = filled
    const databaseUrl = await server.makeDatabase()
    const stop = new Error('stopped here')
    let isDone = false
    for (let at = 1; !isDone; at += 1) {
      let steps = 0
      const tell = () => {
        steps += 1
        if (steps === at) throw stop
      }
      const outcome = await moveStore({ dataDir, databaseUrl, tell }).then(
        () => undefined,
        (error: unknown) => error,
      )
      isDone = outcome === undefined
      if (isDone) assert.ok(at > 10, 'there were too few steps')
      else await assert.rejects(openCoffre({ dataDir, databaseUrl }), failsWith('STORE_INCOMPLETE'))
    }
    await openMoved(t, filled, databaseUrl)
  })

  test('killed in the middle it goes on', async (t) => {
    const filled = await fill(makeFolder(t))
    const databaseUrl = await server.makeDatabase()
    const child = spawn(process.execPath, [CHILD, filled.dataDir, databaseUrl, '4'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [, signal] = (await once(child, 'close')) as [number | null, string | null]
    assert.equal(signal, 'SIGKILL')
    await assert.rejects(
      openCoffre({ dataDir: filled.dataDir, databaseUrl, createIfMissing: true }),
      failsWith('STORE_INCOMPLETE'),
    )
    await moveStore({ dataDir: filled.dataDir, databaseUrl })
    await openMoved(t, filled, databaseUrl)
  })

  test('a source that is used again before the move was done begins it anew', async (t) => {
    const { dataDir } = await fill(makeFolder(t))
    const databaseUrl = await server.makeDatabase()
    const tell = () => {
      throw new Error('stopped here')
    }
    await assert.rejects(moveStore({ dataDir, databaseUrl, tell }))
    const coffre = await openCoffre({ dataDir })
    await coffre.keys.create({ name: 'later' })
    await coffre.close()
    await moveStore({ dataDir, databaseUrl })
    const moved = await openCoffre({ dataDir, databaseUrl })
    t.after(() => moved.close())
    assert.equal((await moved.keys.get('later')).name, 'later')
  })

  test('a row that differs in the target is found, and the folder stays open', async (t) => {
    const { dataDir } = await fill(makeFolder(t))
    const databaseUrl = await server.makeDatabase()
    const foreign = await server.connect(databaseUrl)
    t.after(() => foreign.end())
    let isChanged: Promise<unknown> | undefined
    const tell = ({ step }: { readonly step: string }) => {
      if (step === 'copy') isChanged = foreign.query(`update "key" set owner = 'mallory' where name = 'a'`)
    }
    await assert.rejects(moveStore({ dataDir, databaseUrl, tell }), failsWith('STORE_DAMAGED'))
    await isChanged
    await (await openCoffre({ dataDir })).close()
  })

  test('a database that holds something else is refused', async (t) => {
    const { dataDir } = await fill(makeFolder(t))
    const databaseUrl = await server.makeDatabase()
    await (await openCoffre({ dataDir: makeFolder(t), databaseUrl, createIfMissing: true })).close()
    await assert.rejects(moveStore({ dataDir, databaseUrl }), failsWith('CONFIG_REFUSED'))
    await (await openCoffre({ dataDir })).close()
  })
})
