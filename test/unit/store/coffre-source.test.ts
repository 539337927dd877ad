import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openCoffre, type OpenOptions } from '../../../src/app.ts'
import type { Coffre } from '../../../src/model/coffre.ts'
import type { BackupSource, RestoreTarget, SourceFacts } from '../../../src/store/backup-source.ts'
import { coffreFolderSource, coffrePostgresSource } from '../../../src/store/source/coffre/coffre-source.ts'
import { coffreFolderTarget, coffrePostgresTarget } from '../../../src/store/source/coffre/coffre-target.ts'
import { POSTGRES_15, PostgresServer } from '../../postgres-server.ts'
import { failsWith, makeFolder, openTemporary } from '../../temporary.ts'

const { signal } = new AbortController()
/** Many rotations in the time of one backup, and few enough that all can be decrypted after each. */
const PAUSE_MS = 20

/** Rotates, encrypts and remembers until it is told to stop. */
class Load {
  readonly ciphertexts: string[] = []
  /** What was done while a backup was read. */
  during = 0
  readonly #work: Promise<void>
  #isOver = false

  constructor(coffre: Coffre) {
    this.#work = this.#run(coffre)
  }

  async until(count: number): Promise<void> {
    while (this.ciphertexts.length < count) await setTimeout(5)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#work
  }

  async #run(coffre: Coffre): Promise<void> {
    await coffre.keys.create({ name: 'busy' })
    while (!this.#isOver) {
      const { ciphertext } = await coffre.encrypt({
        key: 'busy',
        plaintext: `value ${this.ciphertexts.length}`,
      })
      this.ciphertexts.push(ciphertext)
      await coffre.keys.rotate('busy')
      await setTimeout(PAUSE_MS)
    }
  }
}

interface Restored {
  readonly source: BackupSource
  readonly target: RestoreTarget
  readonly options: OpenOptions
}

/** Backs up under load, restores elsewhere, opens it with the same seal key, and decrypts all that was acknowledged before. */
async function prove(load: Load, { source, target, options }: Restored): Promise<SourceFacts> {
  const facts = await source.describe()
  await target.prepare(facts)
  const acknowledged = load.ciphertexts.slice()
  await target.receive(source.read(signal), signal)
  load.during += load.ciphertexts.length - acknowledged.length
  await target.commit()
  const coffre = await openCoffre(options)
  try {
    for (const [index, ciphertext] of acknowledged.entries()) {
      const { plaintext } = await coffre.decrypt({ ciphertext })
      assert.equal(Buffer.from(plaintext).toString(), `value ${index}`)
    }
    const { valid } = await coffre.audit.verify()
    assert.equal(valid, true)
  } finally {
    await coffre.close()
  }
  return facts
}

function folderWithSealKey(t: TestContext, from: string): string {
  const folder = join(makeFolder(t), 'restored')
  mkdirSync(folder, { mode: 0o700 })
  copyFileSync(join(from, 'seal.key'), join(folder, 'seal.key'))
  return folder
}

describe("a Coffre's own store in a folder", () => {
  test('is backed up while it rotates, and opens with the same seal key', async (t) => {
    const dataDir = makeFolder(t)
    const coffre = await openTemporary(t, { dataDir })
    await using load = new Load(coffre)
    for (let round = 1; round <= 10; round += 1) {
      await load.until(round * 3)
      const folder = folderWithSealKey(t, dataDir)
      const target = coffreFolderTarget({ folder, id: 'a1' })
      const facts = await prove(load, {
        source: coffreFolderSource(dataDir),
        target,
        options: { dataDir: folder },
      })
      assert.deepEqual([facts['store'], facts['seals']], ['sqlite', 'file'])
      assert.match(String(facts['cluster']), /^coffre\//)
    }
    assert.ok(load.during > 0)
  })

  test('holds no seal key', async (t) => {
    const dataDir = makeFolder(t)
    await openTemporary(t, { dataDir })
    const source = coffreFolderSource(dataDir)
    const key = readFileSync(join(dataDir, 'seal.key'))
    const bytes = Buffer.concat(await Array.fromAsync(source.read(signal)))
    for (const secret of [key.toString().trim(), key.toString('base64')])
      assert.equal(bytes.includes(secret), false)
    assert.doesNotMatch(
      JSON.stringify(await source.describe()),
      new RegExp(key.toString().trim().slice(0, 20)),
    )
  })

  test('is not replaced while it runs, nor by another Coffre', async (t) => {
    const [mine, other] = [makeFolder(t), makeFolder(t)]
    const running = await openTemporary(t, { dataDir: mine })
    const stopped = await openTemporary(t, { dataDir: other })
    const source = coffreFolderSource(mine)
    const facts = await source.describe()
    const busy = coffreFolderTarget({ folder: mine, id: 'a1', replace: true })
    await assert.rejects(busy.prepare(facts), failsWith('STORE_IN_USE'))
    await stopped.close()
    const foreign = coffreFolderTarget({ folder: other, id: 'a1', replace: true })
    await assert.rejects(foreign.prepare(facts), failsWith('RESTORE_REFUSED'))
    const newer = coffreFolderTarget({ folder: join(other, 'new'), id: 'a1' })
    await assert.rejects(newer.prepare({ ...facts, schema: 1_000 }), failsWith('RESTORE_REFUSED'))
    await assert.rejects(newer.prepare({ ...facts, store: 'postgres' }), failsWith('RESTORE_REFUSED'))
    const bytes = await Array.fromAsync(source.read(signal))
    await running.close()
    const target = coffreFolderTarget({ folder: mine, id: 'a1', replace: true })
    await target.prepare(facts)
    // Nobody opens it between.
    await assert.rejects(openCoffre({ dataDir: mine }), failsWith('STORE_IN_USE'))
    await target.receive(ofAll(bytes), signal)
    await target.commit()
    await (await openCoffre({ dataDir: mine })).close()
    assert.ok(readdirSync(mine).includes('coffre.db.before_a1'))
  })

  test('that is not there is refused', async (t) => {
    const folder = makeFolder(t)
    await assert.rejects(coffreFolderSource(folder).describe(), failsWith('BACKUP_SOURCE_FAILED'))
    assert.equal(existsSync(join(folder, 'coffre.db')), false)
  })
})

describe("a Coffre's own store on PostgreSQL", { skip: POSTGRES_15.skip }, () => {
  const server = new PostgresServer({ release: POSTGRES_15 })
  before(() => server.start())
  after(() => server.remove())

  test('is backed up while it rotates, and opens with the same seal key', async (t) => {
    const dataDir = makeFolder(t)
    const url = await server.makeDatabase()
    const coffre = await openTemporary(t, { dataDir, databaseUrl: url })
    await using load = new Load(coffre)
    for (let round = 1; round <= 3; round += 1) {
      await load.until(round * 3)
      const databaseUrl = server.url(`restored_${round}`)
      const options = { dataDir: folderWithSealKey(t, dataDir), databaseUrl }
      const target = coffrePostgresTarget({ url: databaseUrl, id: 'a1' })
      const facts = await prove(load, { source: coffrePostgresSource({ url }), target, options })
      assert.deepEqual([facts['store'], facts['seals']], ['postgres', 'file'])
    }
    await load.stop()
    const source = coffrePostgresSource({ url })
    const replacing = coffrePostgresTarget({ url, id: 'a1', replace: true })
    await assert.rejects(replacing.prepare(await source.describe()), failsWith('RESTORE_REFUSED'))
  })
})

async function* ofAll(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}
