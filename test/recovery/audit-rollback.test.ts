import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { acceptRestore, initCoffre, openAuditLog, openCoffre } from '../../src/app.ts'
import { leafHash } from '../../src/crypto/merkle.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { changeStore, failsWith, makeFolder } from '../temporary.ts'

interface Place {
  readonly dataDir: string
  /** On "another disk". */
  readonly checkpointFile: string
}

async function makePlace(t: TestContext, keys = 3): Promise<Place> {
  const place = { dataDir: makeFolder(t), checkpointFile: join(makeFolder(t), 'checkpoints') }
  await initCoffre({ ...place, createIfMissing: true })
  await addKeys(place, keys)
  return place
}

/** Opens, makes so many keys, closes: each is a record. Answers the size of the log. */
async function addKeys(place: Place, keys: number): Promise<number> {
  const coffre = await openCoffre(place)
  for (let made = 0; made < keys; made += 1) await coffre.keys.create({ name: `k${crypto.randomUUID()}` })
  const { auditSize } = await coffre.operator.status()
  await coffre.close()
  return auditSize ?? 0
}

async function verify(place: Place) {
  const log = await openAuditLog(place)
  const verification = await log.verify()
  await log.close()
  return verification
}

/** As somebody who knows the format and can write to the database, but has no root key. */
function truncate(place: Place, size: number, head: { root: Uint8Array; frontier: Uint8Array }): void {
  changeStore(place.dataDir, (database) => {
    database.prepare('delete from audit_record where idx >= ?').run(size)
    database.prepare('delete from audit_checkpoint where size > ?').run(size)
    database
      .prepare('update audit_head set size = ?, root_hash = ?, frontier = ?')
      .run(size, head.root, head.frontier)
  })
}

function readHead(place: Place): { size: number; root: Uint8Array; frontier: Uint8Array } {
  let found = { size: 0, root: new Uint8Array(0), frontier: new Uint8Array(0) }
  changeStore(place.dataDir, (database) => {
    const row = database.prepare('select * from audit_head').get()
    assert.ok(row?.['root_hash'] instanceof Uint8Array && row['frontier'] instanceof Uint8Array)
    found = { size: Number(row['size']), root: row['root_hash'], frontier: row['frontier'] }
  })
  return found
}

async function refusal(place: Place): Promise<CoffreError> {
  const error: unknown = await openCoffre(place).then(
    (coffre) => coffre.close(),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof CoffreError)
  return error
}

describe('a copy of the checkpoints outside the database', () => {
  test('is a private file that grows with every close, and the log agrees with it', async (t) => {
    const place = await makePlace(t)
    const size = await addKeys(place, 1)
    assert.equal(statSync(place.checkpointFile).mode & 0o777, 0o600)
    const { valid, signedSize, findings } = await verify(place)
    assert.deepEqual({ valid, signedSize, findings }, { valid: true, signedSize: size, findings: [] })
  })

  test('shows a tail that was cut cleanly, in verify and at the next start', async (t) => {
    const place = await makePlace(t)
    const before = readHead(place)
    const size = await addKeys(place, 5)
    truncate(place, before.size, before)
    const { code, facts } = await refusal(place)
    assert.equal(code, 'AUDIT_ROLLED_BACK')
    assert.deepEqual([facts['checkpointSize'], facts['size']], [size, before.size])
    const { valid, reason, firstBadIndex } = await verify(place)
    assert.deepEqual([valid, reason, firstBadIndex], [false, 'rolled back', before.size])
  })

  test('shows an old database that was put back', async (t) => {
    const place = await makePlace(t)
    const old = makeFolder(t)
    cpSync(place.dataDir, old, { recursive: true })
    await addKeys(place, 2)
    restore(old, place)
    assert.equal((await refusal(place)).code, 'AUDIT_ROLLED_BACK')
  })

  test('shows an old database that has grown past the checkpoint since', async (t) => {
    const place = await makePlace(t)
    const old = makeFolder(t)
    cpSync(place.dataDir, old, { recursive: true })
    const size = await addKeys(place, 2)
    restore(old, place)
    const elsewhere = { ...place, checkpointFile: join(makeFolder(t), 'other') }
    const grown = await addKeys(elsewhere, 9)
    assert.ok(grown > size)
    const { code, facts } = await refusal(place)
    assert.deepEqual([code, facts['checkpointSize'], facts['size']], ['AUDIT_FORKED', size, grown])
    const { valid, reason, firstBadIndex } = await verify(place)
    assert.deepEqual([valid, reason, firstBadIndex], [false, 'forked', size - 3])
  })

  test('shows a log that was replaced as a whole', async (t) => {
    const place = await makePlace(t)
    const other = await makePlace(t, 20)
    restore(other.dataDir, place)
    assert.equal((await refusal(place)).code, 'AUDIT_FORKED')
    const { valid, reason, firstBadIndex } = await verify(place)
    assert.deepEqual([valid, reason, firstBadIndex], [false, 'forked', 0])
  })

  test('shows a new Coffre in the place of the old one', async (t) => {
    const place = await makePlace(t)
    rmSync(place.dataDir, { recursive: true })
    await assert.rejects(initCoffre({ ...place, createIfMissing: true }), failsWith('AUDIT_ROLLED_BACK'))
    assert.ok(!existsSync(join(place.dataDir, 'seal.key')))
  })

  test('that is gone is a warning, a finding and a record; then a new one begins', async (t) => {
    const place = await makePlace(t)
    rmSync(place.checkpointFile)
    assert.deepEqual((await verify(place)).findings, ['copy-missing'])
    const alerts: string[] = []
    const coffre = await openCoffre({ ...place, onAlert: (alert) => void alerts.push(alert) })
    const [record] = (await coffre.audit.list({ last: 10 })).filter(
      ({ action }) => action === 'audit.copy-lost',
    )
    await coffre.close()
    assert.deepEqual(alerts, ['copy-missing'])
    assert.match(record?.body ?? '', /"detail":\{"finding":"copy-missing"\}/)
    assert.deepEqual((await verify(place)).findings, [])
  })

  test('that cannot be written stops nothing and is an alert', async (t) => {
    const place = await makePlace(t)
    const checkpointFile = join(place.checkpointFile, 'no folder', 'here')
    const alerts: string[] = []
    const coffre = await openCoffre({ ...place, checkpointFile, onAlert: (alert) => void alerts.push(alert) })
    await coffre.keys.create({ name: 'made' })
    const { size } = await coffre.audit.writeCheckpoint()
    await coffre.close()
    assert.ok(size > 0)
    assert.ok(alerts.includes('copy-unwritable'), alerts.join())
  })

  for (const [what, change] of [
    [
      'a character of a signature',
      (text: string) => text.replace(/.(?==\n)/, (found) => (found === 'A' ? 'B' : 'A')),
    ],
    ['a size', (text: string) => text.replace(/\n\d+\n/, '\n99\n')],
    ['its end', (text: string) => text.slice(0, -1)],
    ['an order that goes back', (text: string) => `${text}\n${text}`],
    ['bytes that are no text', (text: string) => `${text}\u0000`],
  ] as const) {
    test(`with a change of ${what} is a finding, and accuses nobody`, async (t) => {
      const place = await makePlace(t)
      writeFileSync(place.checkpointFile, change(readFileSync(place.checkpointFile, 'utf8')))
      const { valid, findings } = await verify(place)
      assert.deepEqual([valid, findings], [true, ['copy-damaged']])
      const coffre = await openCoffre({ ...place, onAlert: () => undefined })
      await coffre.close()
    })
  }
})

describe('a wanted restore', () => {
  test('is accepted once, and stays visible in the log and in the copy', async (t) => {
    const place = await makePlace(t)
    const old = makeFolder(t)
    cpSync(place.dataDir, old, { recursive: true })
    const size = await addKeys(place, 4)
    restore(old, place)
    const planned = await acceptRestore({ ...place, dryRun: true })
    assert.deepEqual([planned.verdict, planned.accepted], ['rolled-back', false])
    assert.equal((await refusal(place)).code, 'AUDIT_ROLLED_BACK')
    assert.equal((await acceptRestore(place)).accepted, true)
    await addKeys(place, 1)
    const { valid, findings } = await verify(place)
    assert.deepEqual([valid, findings], [true, []])
    const text = readFileSync(place.checkpointFile, 'utf8')
    assert.match(text, new RegExp(`\\nrestored ${size} [A-Za-z0-9+/]{43}=\\n\\n`))
    const log = await openAuditLog(place)
    const records = (await log.list({ limit: 1_000 })).filter(
      ({ action }) => action === 'audit.accept-restore',
    )
    await log.close()
    assert.equal(records.length, 1)
    assert.match(records[0]?.body ?? '', new RegExp(`"verdict":"rolled-back".*"checkpointSize":${size}`))
    assert.equal((await acceptRestore(place)).accepted, false)
  })

  test('of a forked log is accepted too', async (t) => {
    const place = await makePlace(t)
    const other = await makePlace(t, 20)
    restore(other.dataDir, place)
    assert.equal((await acceptRestore(place)).verdict, 'forked')
    await addKeys(place, 1)
    const { valid, findings } = await verify(place)
    assert.deepEqual([valid, findings], [true, []])
  })

  test('needs the seal key', async (t) => {
    const place = await makePlace(t)
    rmSync(join(place.dataDir, 'seal.key'))
    await assert.rejects(acceptRestore(place), failsWith('SEAL_KEY_MISSING'))
  })

  test('is not begun by a line in the copy that nobody signed', async (t) => {
    const place = await makePlace(t)
    const before = readHead(place)
    await addKeys(place, 5)
    truncate(place, before.size, before)
    const text = readFileSync(place.checkpointFile, 'utf8')
    const [origin = ''] = text.split('\n')
    const root = Buffer.from(before.root).toString('base64')
    const forged = `${origin}\n${before.size}\n${root}\nrestored 99 ${root}\n\n— ${origin} ${'A'.repeat(88)}AAA=\n`
    writeFileSync(place.checkpointFile, `${text}\n${forged}`)
    assert.equal((await refusal(place)).code, 'AUDIT_ROLLED_BACK')
  })
})

test('a body that was changed together with all its hashes is not signed, and told', async (t) => {
  const place = await makePlace(t)
  const alerts: string[] = []
  const coffre = await openCoffre({ ...place, onAlert: (alert) => void alerts.push(alert) })
  const { note } = await coffre.audit.checkpoint()
  changeStore(place.dataDir, (database) => {
    const last = database.prepare('select idx, body from audit_record order by idx desc limit 1').get()
    const body = String(last?.['body']).replace('"ok"', '"ko"')
    database
      .prepare('update audit_record set body = ?, leaf_hash = ? where idx = ?')
      .run(body, leafHash(Buffer.from(body)), Number(last?.['idx']))
  })
  await assert.rejects(coffre.audit.writeCheckpoint(), failsWith('AUDIT_DAMAGED'))
  await coffre.close()
  assert.deepEqual(alerts, ['log-damaged'])
  assert.ok(readFileSync(place.checkpointFile, 'utf8').endsWith(note))
})

function restore(from: string, place: Place): void {
  for (const name of ['coffre.db', 'coffre.db-wal', 'coffre.db-shm', 'seal.key']) {
    rmSync(join(place.dataDir, name), { force: true })
    if (existsSync(join(from, name))) cpSync(join(from, name), join(place.dataDir, name))
  }
}
