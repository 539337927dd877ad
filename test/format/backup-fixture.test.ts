import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import {
  coffreFolderTarget,
  filesTarget,
  fileTarget,
  newRestoreId,
  openBackups,
  restoreBackup,
  sqliteTarget,
  toOpeners,
} from '../../src/app-backup.ts'
import { Secret } from '../../src/model/secret.ts'
import { makeFolder } from '../temporary.ts'

const FIXTURE = join(import.meta.dirname, '../fixture/backup/v1')

interface Expected {
  readonly signer: string
  readonly recoveryKey: string
  readonly passphrase: string
  readonly dump: { readonly sha256: string; readonly sequences: readonly number[]; readonly note: string }
  readonly app: { readonly sha256: string; readonly rows: number }
  readonly site: Readonly<Record<string, string>>
  readonly own: { readonly keys: readonly string[] }
}

const expected = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8')) as Expected
const byRecoveryKey = () => toOpeners({ recoveryKey: new Secret(expected.recoveryKey) })
const byPassphrase = () => toOpeners({ passphrase: new Secret(expected.passphrase) })

/** As on a new machine: the target, and what stands on the sheet. */
async function openFixture(t: TestContext) {
  const folder = makeFolder(t)
  cpSync(join(FIXTURE, 'target'), join(folder, 'target'), { recursive: true })
  const backups = await openBackups({
    target: join(folder, 'target'),
    seenFile: join(folder, 'seen'),
    signers: [expected.signer],
  })
  t.after(() => backups.close())
  return { backups, out: join(folder, 'out'), id: newRestoreId() }
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

describe('a backup of the first version', () => {
  test('is listed, and trusted by the signer on its sheet', async (t) => {
    const { backups } = await openFixture(t)
    for (const series of ['dump', 'site', 'app', 'own']) {
      const { backups: listed, missing } = await backups.list(series)
      assert.ok(listed.length > 0 && listed.every(({ isTrusted }) => isTrusted), series)
      assert.deepEqual(missing, [])
    }
    assert.equal((await backups.inspect({ series: 'dump', sequence: 1 })).note, expected.dump.note)
  })

  test('of a stream opens with the recovery key and the passphrase, in zstd and gzip', async (t) => {
    const { backups, out, id } = await openFixture(t)
    const cases = [
      ...expected.dump.sequences.map((sequence) => ({ sequence, openers: byRecoveryKey() })),
      { sequence: 1, openers: byPassphrase() },
    ]
    for (const [at, { sequence, openers }] of cases.entries()) {
      const path = `${out}-${at}`
      await restoreBackup(backups, { series: 'dump', sequence }, fileTarget({ path, id }), openers)
      assert.equal(digest(path), expected.dump.sha256)
    }
  })

  test('of files, of SQLite and of a Coffre comes back', async (t) => {
    const { backups, out, id } = await openFixture(t)
    await restoreBackup(backups, { series: 'site' }, filesTarget({ folder: out, id }), byRecoveryKey())
    for (const [name, content] of Object.entries(expected.site))
      assert.equal(readFileSync(join(out, name), 'utf8'), content)
    const path = `${out}.db`
    await restoreBackup(backups, { series: 'app' }, sqliteTarget({ path, id }), byRecoveryKey())
    assert.equal(digest(path), expected.app.sha256)
    const database = new DatabaseSync(path)
    assert.deepEqual(
      { ...database.prepare('select count(*) as rows from note').get() },
      { rows: expected.app.rows },
    )
    database.close()
    const folder = `${out}-own`
    await restoreBackup(backups, { series: 'own' }, coffreFolderTarget({ folder, id }), byRecoveryKey())
    cpSync(join(FIXTURE, 'seal.key'), join(folder, 'seal.key'))
    chmodSync(join(folder, 'seal.key'), 0o600)
    const coffre = await openCoffre({ dataDir: folder })
    t.after(() => coffre.close())
    assert.deepEqual((await coffre.keys.list()).map(({ name }) => name).toSorted(), expected.own.keys)
  })
})
