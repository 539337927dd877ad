import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, type TestContext, test } from 'node:test'
import { hasCode } from '../../../src/model/errors.ts'
import { MIGRATIONS } from '../../../src/store/sql/migration/migrations.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../../src/store/store.ts'
import { appendRecords, materials, NOW, sampleKey, sampleToken, sampleWrapped, storeKey } from './sample.ts'

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-store-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function openStore(t: TestContext, folder: string): Promise<Store> {
  const store = await openSqliteStore({ folder, clock: () => NOW })
  t.after(() => store.close())
  return store
}

/** Closes the store, lets `change` at its file with another connection, and opens it again. */
async function tamper(
  t: TestContext,
  change: (database: DatabaseSync) => void,
  store?: Store,
): Promise<Store> {
  const folder = await makeFolder(t)
  const first = store ?? (await openSqliteStore({ folder, clock: () => NOW }))
  await storeKey(first, sampleKey({ destroyAt: NOW }))
  await first.transaction((tx) => tx.insertToken(sampleToken()))
  await first.transaction((tx) =>
    tx.insertSealSlot({ id: 'slot', provider: 'file', wrapped: sampleWrapped(), createdAt: NOW, root: 1 }),
  )
  await appendRecords(first, 0, 3)
  await first.close()
  const database = new DatabaseSync(join(folder, 'coffre.db'), { enableForeignKeyConstraints: false })
  try {
    change(database)
  } finally {
    database.close()
  }
  return await openStore(t, folder)
}

describe('the folder of a SQLite store', () => {
  test('a new folder and its files are for their owner alone', { skip: posixOnly() }, async (t) => {
    const folder = join(await makeFolder(t), 'deep', 'data')
    const store = await openStore(t, folder)
    await storeKey(store, sampleKey())
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    const names = await readdir(folder)
    assert.deepEqual(names.toSorted(), ['coffre.db', 'coffre.db-shm', 'coffre.db-wal', 'coffre.lock'])
    for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
  })

  test('files that others could read are closed to them when the store opens', {
    skip: posixOnly(),
  }, async (t) => {
    const folder = await makeFolder(t)
    await (await openSqliteStore({ folder })).close()
    await chmod(join(folder, 'coffre.db'), 0o644)
    await openStore(t, folder)
    assert.equal((await stat(join(folder, 'coffre.db'))).mode & 0o777, 0o600)
  })

  test('a second store on the same folder is refused at once, under any path to it', async (t) => {
    const folder = await makeFolder(t)
    const store = await openStore(t, folder)
    const link = `${folder}-link`
    await symlink(folder, link)
    t.after(() => rm(link))
    for (const path of [folder, link]) {
      await assert.rejects(openSqliteStore({ folder: path }), (error) => hasCode(error, 'STORE_IN_USE'))
    }
    await storeKey(store, sampleKey())
    await store.close()
    await openStore(t, folder)
  })

  test('another process is refused too, and may read the database meanwhile', async (t) => {
    const folder = await makeFolder(t)
    const store = await openStore(t, folder)
    const key = await storeKey(store, sampleKey())
    assert.equal(runChild(['open', folder]), 'STORE_IN_USE')
    assert.equal(runChild(['read', folder]), key.name)
  })

  test('a file where the folder should be is refused as STORE_UNAVAILABLE', async (t) => {
    const path = join(await makeFolder(t), 'file')
    await writeFile(path, '')
    await assert.rejects(openSqliteStore({ folder: path }), (error) => hasCode(error, 'STORE_UNAVAILABLE'))
  })

  test('erased material leaves the log as soon as a foreign reader lets it', async (t) => {
    const folder = await makeFolder(t)
    const store = await openStore(t, folder)
    const [key, wrapped] = [sampleKey(), sampleWrapped()]
    await store.transaction((tx) => tx.insertKey(key, materials([1, wrapped])))
    const reader = new DatabaseSync(join(folder, 'coffre.db'), { readOnly: true })
    t.after(() => reader.isOpen && reader.close())
    reader.exec('begin')
    reader.prepare('select count(*) from "key"').get()
    const versions = key.versions.map((each) => ({
      ...each,
      state: { name: 'destroyed', since: NOW } as const,
    }))
    await store.transaction((tx) => tx.updateKey(key, { ...key, versions, epoch: 1 }))
    const holds = (): boolean => readFiles(folder).includes(wrapped)
    assert.ok(holds(), 'the reader should keep the log')
    reader.exec('commit')
    await appendRecords(store, 0, 1)
    assert.ok(!holds())
  })

  test('material that a dead process left in the log is gone once the store opens', async (t) => {
    const folder = await makeFolder(t)
    const wrapped = sampleWrapped()
    runChild(['destroy-and-die', folder, Buffer.from(wrapped).toString('hex')])
    assert.ok(readFiles(folder).includes(wrapped), 'the child should have left its log')
    await openStore(t, folder)
    assert.ok(!readFiles(folder).includes(wrapped))
  })
})

describe('a SQLite store that somebody changed', () => {
  test('a schema newer than this Coffre is refused as CONFIG_REFUSED', async (t) => {
    const newer = `insert into migration values (${MIGRATIONS.length + 1}, 'from the future', 1, 1)`
    await assert.rejects(
      tamper(t, (database) => database.exec(newer)),
      (error) => hasCode(error, 'CONFIG_REFUSED'),
    )
  })

  test('a migration that is not the one we know is refused as STORE_DAMAGED', async (t) => {
    for (const change of [
      'update migration set checksum = 1',
      'update migration set number = 0 where number = 1',
    ]) {
      const opening = tamper(t, (database) => {
        database.exec('pragma ignore_check_constraints = on')
        database.exec(change)
      })
      await assert.rejects(opening, (error) => hasCode(error, 'STORE_DAMAGED'), change)
    }
  })

  test('a file that is no database is refused as STORE_DAMAGED', async (t) => {
    const folder = await makeFolder(t)
    await writeFile(join(folder, 'coffre.db'), 'no database at all '.repeat(1_000))
    await assert.rejects(openSqliteStore({ folder }), (error) => hasCode(error, 'STORE_DAMAGED'))
  })

  test('overwritten pages are STORE_DAMAGED when they are read', async (t) => {
    const folder = await makeFolder(t)
    const store = await openSqliteStore({ folder })
    await appendRecords(store, 0, 500)
    await store.close()
    const path = join(folder, 'coffre.db')
    const bytes = await readFile(path)
    // The tail holds records; the pages of the schema are in front.
    await writeFile(path, bytes.fill(0xff, bytes.length - 5 * 4096))
    const damaged = await openStore(t, folder)
    await assertDamaged(damaged.readAuditRecords(0, 500), 'overwritten tail')
  })

  test('a key that does not parse is STORE_DAMAGED, whatever is wrong with it', async (t) => {
    const changes = [
      `update "key" set id = 'no uuid'`,
      `update "key" set tenant = ' '`,
      `update "key" set name = '../etc'`,
      `update "key" set algorithm = 'rot13'`,
      `update "key" set purpose = 'fun'`,
      `update "key" set security_level = 'none'`,
      `update "key" set tags = 'no json'`,
      `update "key" set tags = '[]'`,
      `update "key" set tags = '{"a":1}'`,
      `update "key" set created_at = -1`,
      `update "key" set updated_at = 9007199254740993`,
      `update "key" set epoch = -1`,
      `update "key" set floor = 0`,
      `update "key" set destroy_at = -1`,
      `update key_version set version = 2`,
      `update key_version set state = 'happy'`,
      `update key_version set state = 'suspended', resumes_to = 'destroyed'`,
      `update key_version set since = -1`,
      `update key_version set created_at = -1`,
      `delete from key_version`,
    ]
    for (const change of changes) {
      const store = await tamper(t, (database) => {
        database.exec('pragma ignore_check_constraints = on')
        database.exec(change)
      })
      const tenant = sampleKey().tenant
      const reading = change.includes('tenant')
        ? store.listKeysToDestroy(NOW)
        : store.listKeys({ tenant, limit: 9 })
      await assertDamaged(reading, change)
      await store.close()
    }
  })

  test('a token, a seal slot or an audit head that does not parse is STORE_DAMAGED', async (t) => {
    const tenant = sampleToken().tenant
    const cases: readonly [change: string, read: (store: Store) => Promise<unknown>][] = [
      [`update token set id = '?'`, (store) => store.listTokens(tenant)],
      [`update token set role = 'root'`, (store) => store.listTokens(tenant)],
      [`update token set hash = 'short'`, (store) => store.listTokens(tenant)],
      [`update token set expires_at = -1`, (store) => store.listTokens(tenant)],
      [`update token set revoked_at = -1`, (store) => store.listTokens(tenant)],
      [`update seal_slot set created_at = -1`, (store) => store.listSealSlots()],
      [`update audit_head set size = 4`, (store) => store.readAuditHead()],
      [`update audit_head set size = 9007199254740993`, (store) => store.readAuditHead()],
    ]
    for (const [change, read] of cases) {
      const store = await tamper(t, (database) => database.exec(change))
      await assertDamaged(read(store), change)
      await store.close()
    }
  })
})

async function assertDamaged(reading: Promise<unknown>, message: string): Promise<void> {
  await assert.rejects(reading, (error) => hasCode(error, 'STORE_DAMAGED'), message)
}

function runChild(parameters: readonly string[]): string {
  const child = join(import.meta.dirname, 'sqlite-child.ts')
  return spawnSync(process.execPath, [child, ...parameters], { encoding: 'utf8' }).stdout.trim()
}

/** By another process: closing a descriptor of the database here would drop the store's own locks. */
function readFiles(folder: string): Buffer {
  return execFileSync('sh', ['-c', 'cat coffre.db*'], { cwd: folder, maxBuffer: 64 * 1024 * 1024 })
}

function posixOnly(): string | false {
  return process.platform === 'win32' ? 'Windows has no POSIX modes' : false
}
