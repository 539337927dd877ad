import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { CoffreError, hasCode } from '../../src/model/errors.ts'
import { DEFAULT_TENANT } from '../../src/model/ids.ts'
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.ts'
import { openPostgresEngine } from '../../src/store/postgres/postgres-engine.ts'
import { migrate } from '../../src/store/sql/migration/migrate.ts'
import { MIGRATIONS } from '../../src/store/sql/migration/migrations.ts'
import type { Store } from '../../src/store/store.ts'
import { LATER, sampleKey, sampleToken, storeKey, versionNumber } from '../conformance/store/sample.ts'
import { type Cut, CuttingProxy } from '../cutting-proxy.ts'
import { POSTGRES_18, PostgresServer, startPostgres } from '../postgres-server.ts'

const skip = POSTGRES_18.skip

async function open(t: TestContext, url: string): Promise<Store> {
  const store = await openPostgresStore({ url, random: () => 0.5 })
  t.after(() => store.close())
  return store
}

describe('a store on PostgreSQL when things go wrong', { skip }, () => {
  const server = new PostgresServer()
  before(() => server.start())
  after(() => server.remove())

  const outcomes: readonly [cut: Cut, outcome: string, isKept: boolean][] = [
    ['after', 'a COMMIT that arrived is a success although its answer was lost', true],
    ['before', 'a COMMIT that never arrived is a failure, and nothing is written', false],
    ['silent', 'a COMMIT that a dead line swallowed is a failure once the server gave up', false],
  ]
  for (const [cut, title, isKept] of outcomes) {
    test(title, async (t) => {
      const url = await server.makeDatabase()
      const proxy = await CuttingProxy.start(t, server.port)
      const store = await open(t, url.replace(`:${server.port}/`, `:${proxy.port}/`))
      const direct = await open(t, url)
      const first = sampleToken()
      await store.transaction((tx) => tx.insertToken(first))
      proxy.cutNextCommit(cut)
      const second = sampleToken()
      const outcome = await store
        .transaction((tx) => tx.insertToken(second))
        .then(
          () => 'kept',
          (error: unknown) => (error instanceof CoffreError ? error.code : error),
        )
      assert.equal(proxy.cuts, 1)
      assert.equal(outcome, isKept ? 'kept' : 'STORE_UNAVAILABLE')
      assert.deepEqual(await direct.findToken(second.id), isKept ? second : undefined)
      // The store goes on by itself.
      const third = sampleToken()
      await store.transaction((tx) => tx.insertToken(third))
      assert.deepEqual(await direct.findToken(third.id), third)
    })
  }

  test('a transaction that has to give way runs again, and at most five times', async (t) => {
    const url = await server.makeDatabase()
    const store = await open(t, url)
    const foreign = await server.connect(url)
    t.after(() => foreign.end())
    // A sequence is not rolled back, so it counts the attempts.
    await foreign.query(`create sequence attempts;
      create function give_way() returns trigger language plpgsql as $$ begin
        if nextval('attempts') % 5 <> new.created_at % 5 then raise exception using errcode = '40001'; end if;
        return new;
      end $$;
      create trigger give_way before insert on token for each row execute function give_way()`)
    let runs = 0
    const insert = (third: number) =>
      store.transaction(async (tx) => {
        runs += 1
        await tx.insertToken(sampleToken({ createdAt: third as never }))
      })
    await insert(3)
    assert.equal(runs, 3)
    await foreign.query('drop trigger give_way on token')
    await foreign.query(`create function never() returns trigger language plpgsql as $$ begin
        raise exception using errcode = '40P01'; end $$;
      create trigger never before insert on token for each row execute function never()`)
    runs = 0
    await assert.rejects(insert(0), (error) => hasCode(error, 'STORE_UNAVAILABLE'))
    assert.equal(runs, 5)
  })

  test('a server that was killed and started again is used again, reads first', async (t) => {
    const own = await startPostgres(t)
    const store = await open(t, await own.makeDatabase())
    const token = sampleToken()
    await store.transaction((tx) => tx.insertToken(token))
    await own.kill()
    await assert.rejects(store.findToken(token.id), (error) => hasCode(error, 'STORE_UNAVAILABLE'))
    await assert.rejects(
      store.transaction((tx) => tx.insertToken(sampleToken())),
      (error) => hasCode(error, 'STORE_UNAVAILABLE'),
    )
    await own.start()
    assert.deepEqual(await store.findToken(token.id), token)
    await store.transaction((tx) => tx.insertToken(sampleToken()))
    assert.equal((await store.listTokens(DEFAULT_TENANT)).length, 2)
  })

  test('a store whose transaction was held too long writes nothing of it, and others go on', async (t) => {
    const url = await server.makeDatabase()
    const [slow, other] = [await open(t, url), await open(t, url)]
    const key = await storeKey(slow, sampleKey())
    const started = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const stale = slow.transaction(async (tx) => {
      const total = await tx.reserveUses(key.id, versionNumber(1), 1)
      started.resolve()
      await finish.promise
      await tx.reserveUses(key.id, versionNumber(1), 10)
      return total
    })
    await started.promise
    // Waits until the server has ended the session that holds the lock.
    assert.equal(await other.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 100)), 100)
    finish.resolve()
    await assert.rejects(stale, (error) => hasCode(error, 'STORE_UNAVAILABLE'))
    assert.equal(await other.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 0)), 100)
    assert.equal(await slow.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 1)), 101)
  })

  test('two nodes that start on an empty database at once make one schema', async (t) => {
    const url = await server.makeDatabase()
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(t, url)))
    const token = sampleToken()
    await stores[0]?.transaction((tx) => tx.insertToken(token))
    for (const store of stores) assert.deepEqual(await store.findToken(token.id), token)
  })

  test('a migration that fails half-way leaves nothing, and nodes of two versions work side by side', async (t) => {
    const url = await server.makeDatabase()
    const before = await open(t, url)
    const engine = await openPostgresEngine(url)
    t.after(() => engine.close())
    const number = MIGRATIONS.length + 1
    const step = { number, name: 'next', runsFrom: MIGRATIONS.length }
    const column = 'alter table token add column extra bigint not null default 7'
    const broken = { ...step, statements: () => [column, 'insert into nowhere values (1)'] }
    const clock = () => LATER
    await assert.rejects(migrate(engine, { clock, migrations: [...MIGRATIONS, broken] }))
    const foreign = await server.connect(url)
    t.after(() => foreign.end())
    assert.ok(!(await foreign.query('select * from token')).fields.some(({ name }) => name === 'extra'))
    const whole = { ...step, statements: () => [column] }
    const tokens = [sampleToken(), sampleToken(), sampleToken()] as const
    await before.transaction((tx) => tx.insertToken(tokens[0]))
    assert.deepEqual(await before.findToken(tokens[0].id), tokens[0])
    await migrate(engine, { clock, migrations: [...MIGRATIONS, whole] })
    // The node that was running, and one of the same version that starts now.
    await before.transaction((tx) => tx.insertToken(tokens[1]))
    const started = await open(t, url)
    await started.transaction((tx) => tx.insertToken(tokens[2]))
    for (const store of [before, started]) {
      for (const token of tokens) assert.deepEqual(await store.findToken(token.id), token)
    }
  })

  test('what the operator has to correct is CONFIG_REFUSED and names it', async (t) => {
    const url = await server.makeDatabase()
    const refusals: readonly [url: string, fact: RegExp][] = [
      [url.replace(/:[0-9a-f]{24}@/, ':wrong@'), /password/],
      [url.replace(/test_\d+$/, 'nowhere'), /database/],
      [`${url}?options=-c%20fsync%3Doff`, /options/],
      ['mysql://127.0.0.1/x', /postgres/],
      ['no url', /postgres/],
    ]
    for (const [wrong, fact] of refusals) {
      await assert.rejects(openPostgresStore({ url: wrong, random: () => 0 }), (error) => {
        assert.ok(error instanceof CoffreError && error.code === 'CONFIG_REFUSED', String(error))
        assert.match(JSON.stringify(error.facts), fact)
        return true
      })
    }
    const careless = await startPostgres(t, { settings: ['fsync=off', 'full_page_writes=off'] })
    await assert.rejects(openPostgresStore({ url: careless.url('postgres'), random: () => 0 }), (error) => {
      assert.ok(error instanceof CoffreError && error.code === 'CONFIG_REFUSED')
      assert.deepEqual(Object.keys(error.facts), ['fsync', 'full_page_writes'])
      return true
    })
  })

  test('a value that cannot be ours is STORE_DAMAGED', async (t) => {
    const url = await server.makeDatabase()
    const store = await open(t, url)
    const key = await storeKey(store, sampleKey())
    const foreign = await server.connect(url)
    t.after(() => foreign.end())
    for (const change of ['epoch = 9007199254740993', `algorithm = 'rot13'`, `tags = '[]'`]) {
      await foreign.query(`begin; update "key" set ${change}; commit`)
      await assert.rejects(store.findKeyById(key.id), (error) => hasCode(error, 'STORE_DAMAGED'), change)
      await foreign.query(`update "key" set epoch = 0`)
    }
  })

  test('a store closed in the middle of an outage ends', async () => {
    const own = new PostgresServer()
    await own.start()
    const store = await openPostgresStore({ url: await own.makeDatabase(), random: () => 0 })
    await own.remove()
    await store.close()
    await assert.rejects(store.listTokens(DEFAULT_TENANT), (error) => hasCode(error, 'STORE_UNAVAILABLE'))
  })
})
