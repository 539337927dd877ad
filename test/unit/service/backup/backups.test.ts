import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { noteSigner } from '../../../../src/crypto/transparency/signed-note.ts'
import { KeyMaterial } from '../../../../src/crypto/key-material.ts'
import { xWingPublicKey } from '../../../../src/crypto/x-wing.ts'
import { BACKUP_COMPRESSIONS, type BackupProgress } from '../../../../src/model/backup.ts'
import type { CoffreError } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { catalogueText, changeCatalogue, emptyCatalogue } from '../../../../src/service/backup/catalogue.ts'
import { restoreBackup } from '../../../../src/service/backup/restore.ts'
import { streamSource } from '../../../../src/store/source/stream-source.ts'
import { fileTarget } from '../../../../src/store/source/stream-target.ts'
import { openTemporary } from '../../../temporary.ts'
import { BackupPlace, collect, RECOVERY_PUBLIC, RECOVERY_SEED, sourceOf } from './backup-place.ts'

const CONTENT = Buffer.alloc(300_000, 'INSERT INTO customers VALUES (1, "Zoé");\n')
const NEWEST = { series: 'nightly' }

async function readPlain(
  place: BackupPlace,
  openers: Parameters<Awaited<ReturnType<BackupPlace['backups']>>['open']>[1],
  sequence?: number,
) {
  const backups = await place.backups()
  const opened = await backups.open(sequence === undefined ? NEWEST : { ...NEWEST, sequence }, openers)
  return collect(backups.readPlain(opened))
}

describe('a backup', () => {
  test('comes back byte for byte, by the Coffre, the recovery key and a passphrase', async (t) => {
    const place = await BackupPlace.open(t)
    const passphrase = new Secret('correct horse battery staple')
    const backups = await place.backups()
    const made = await backups.create(sourceOf(CONTENT), place.coffre, {
      series: 'nightly',
      recipients: { key: 'backup', passphrase, recovery: [RECOVERY_PUBLIC] },
      note: 'before the migration',
    })
    assert.deepEqual(
      { sequence: made.sequence, source: made.source, note: made.note, isTrusted: made.isTrusted },
      { sequence: 1, source: 'stream', note: 'before the migration', isTrusted: true },
    )
    assert.ok(made.bodyBytes < CONTENT.length / 10)
    for (const openers of [{ coffre: place.coffre }, { recoveryKey: RECOVERY_SEED }, { passphrase }]) {
      assert.deepEqual(await readPlain(place, openers), CONTENT)
    }
    const { record } = await (await place.backups()).verify(NEWEST, { recoveryKey: RECOVERY_SEED })
    assert.deepEqual(record.counts, { bytes: CONTENT.length })
    assert.equal(record.plainBytes, CONTENT.length)
  })

  test('tells how far it is, whatever its listener does', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    for (const compression of BACKUP_COMPRESSIONS) {
      const [read, opened]: BackupProgress[][] = [[], []]
      const recipients = { key: 'backup' }
      const made = await backups.create(
        streamSource({ name: 'x', input: Readable.from([CONTENT]), expectedBytes: CONTENT.length }),
        place.coffre,
        {
          series: compression,
          compression,
          recipients,
          onProgress: (progress) => {
            read?.push(progress)
            throw new Error('a listener that fails')
          },
        },
      )
      const content = { unit: 'bytes', of: CONTENT.length, isAbout: false }
      assert.deepEqual(read?.at(-1), { ...content, done: CONTENT.length })
      const openers = { coffre: place.coffre }
      const onProgress = (progress: BackupProgress) => opened?.push(progress)
      await backups.verify({ series: compression }, openers, { onProgress })
      const body = { unit: 'bytes', of: made.bodyBytes, isAbout: false }
      assert.deepEqual(opened?.at(-1), { ...body, done: made.bodyBytes })
      const target = fileTarget({ path: join(place.folder, '..', compression), id: 'x' })
      await restoreBackup(backups, { series: compression }, target, openers)
      assert.ok(readFileSync(join(place.folder, '..', compression)).equals(CONTENT))
    }
    await place.create('another', 'none')
    const gone: BackupProgress[] = []
    await backups.prune(place.coffre, {
      series: 'none',
      retention: { last: 1 },
      onProgress: (progress) => gone.push(progress),
    })
    assert.deepEqual(gone.at(-1), { unit: 'backups', done: 1, of: 1, isAbout: false })
  })

  test('shows without a key what it is, and nothing of its content', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create(CONTENT)
    const view = await (await place.backups()).inspect(NEWEST)
    assert.deepEqual(
      view.slots.map((slot) => slot.slot),
      ['key', 'recovery'],
    )
    for (const name of readdirSync(place.folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.includes('.')) continue
      assert.ok(!readFileSync(join(place.folder, name)).includes('INSERT INTO'), name)
    }
  })

  test('without a recipient, of a series that is no name, or whose source fails, is none', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    const create = (series: string, recipients: object, source = sourceOf('x')) =>
      backups.create(source, place.coffre, { series, recipients })
    await assert.rejects(create('nightly', {}), { code: 'CONFIG_REFUSED' })
    for (const series of ['', 'A', '../x', 'a/b', 'x'.repeat(65)]) {
      await assert.rejects(create(series, { key: 'backup' }), { code: 'INVALID_REQUEST' }, series)
    }
    const failing = {
      ...sourceOf('x'),
      async *read() {
        yield Buffer.from('the first half')
        throw new Error('pg_dump was killed')
      },
    }
    await assert.rejects(create('nightly', { key: 'backup' }, failing), /pg_dump was killed/)
    assert.deepEqual((await backups.list('nightly')).backups, [])
    await assert.rejects(backups.inspect(NEWEST), { code: 'BACKUP_NOT_FOUND' })
  })

  test('of nobody who is trusted is refused, unless its reader says so', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create(CONTENT)
    const stranger = place.strangerBackups()
    const openers = { recoveryKey: RECOVERY_SEED }
    await assert.rejects(stranger.open(NEWEST, openers), { code: 'BACKUP_UNTRUSTED' })
    const opened = await stranger.open(NEWEST, openers, { acceptAnySigner: true })
    assert.deepEqual(await collect(stranger.readPlain(opened)), CONTENT)
  })

  test('that nothing at hand opens says what would', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create(CONTENT)
    const backups = await place.backups()
    await assert.rejects(backups.open(NEWEST, {}), (error: Error) => {
      assert.match(JSON.stringify(error), /BACKUP_KEY_MISSING.*key backup, recovery [0-9a-f]{16}/)
      return true
    })
    const other = new KeyMaterial(Buffer.alloc(32, 1))
    await assert.rejects(backups.open(NEWEST, { recoveryKey: other }), { code: 'BACKUP_KEY_MISSING' })
    const another = await openTemporary(t)
    await assert.rejects(backups.open(NEWEST, { coffre: another }), { code: 'DECRYPTION_FAILED' })
  })
})

describe('whoever can write to the target', () => {
  test('cannot change a byte of a manifest, a body or the catalogue', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create(CONTENT)
    const openers = { recoveryKey: RECOVERY_SEED }
    const files = readdirSync(join(place.folder, 'nightly')).filter((name) => name !== 'catalogue')
    for (const name of files) {
      const path = join(place.folder, 'nightly', name)
      const whole = readFileSync(path)
      const step = Math.max(1, Math.floor(whole.length / 60))
      for (let at = 0; at < whole.length; at += step) {
        const changed = Buffer.from(whole)
        changed[at] = (changed[at] ?? 0) ^ 1
        writeFileSync(path, changed)
        await assert.rejects(
          (await place.backups()).verify(NEWEST, openers),
          (error: Error & { code?: string }) => {
            assert.match(
              error.code ?? '',
              /^BACKUP_(DAMAGED|UNTRUSTED)$/,
              `${name}, byte ${at}: ${String(error)}`,
            )
            return true
          },
        )
      }
      for (const cut of [Buffer.alloc(0), whole.subarray(0, -1), Buffer.concat([whole, Buffer.from('x')])]) {
        writeFileSync(path, cut)
        await assert.rejects((await place.backups()).verify(NEWEST, openers), { code: 'BACKUP_DAMAGED' })
      }
      writeFileSync(path, whole)
    }
    await (await place.backups()).verify(NEWEST, openers)
  })

  test('cannot swap two backups, nor their bodies', async (t) => {
    const place = await BackupPlace.open(t)
    const [first, second] = [await place.create('one'), await place.create('two')]
    const at = (name: string) => join(place.folder, 'nightly', name)
    const swap = (left: string, right: string) => {
      copyFileSync(at(left), at('swap'))
      copyFileSync(at(right), at(left))
      copyFileSync(at('swap'), at(right))
      rmSync(at('swap'))
    }
    const openers = { recoveryKey: RECOVERY_SEED }
    const verify = async (sequence: number) =>
      (await place.backups()).verify({ ...NEWEST, sequence }, openers)
    for (const [left, right] of [
      ['000000000001.manifest', '000000000002.manifest'],
      [`${first.id}.body`, `${second.id}.body`],
    ] as const) {
      swap(left, right)
      await assert.rejects(verify(1), { code: 'BACKUP_DAMAGED' })
      await assert.rejects(verify(2), { code: 'BACKUP_DAMAGED' })
      swap(left, right)
    }
    await Promise.all([verify(1), verify(2)])
  })

  test('cannot put an older state back, nor take a backup away unseen', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    cpSync(place.folder, `${place.folder}-old`, { recursive: true })
    await place.create('two')
    const backups = await place.backups()
    rmSync(join(place.folder, 'nightly', '000000000001.manifest'))
    const { backups: present, missing } = await backups.list('nightly')
    assert.deepEqual(
      [present.map(({ sequence }) => sequence), missing.map(({ sequence }) => sequence)],
      [[2], [1]],
    )
    rmSync(place.folder, { recursive: true })
    cpSync(`${place.folder}-old`, place.folder, { recursive: true })
    await assert.rejects((await place.backups()).list('nightly'), { code: 'BACKUP_ROLLED_BACK' })
    await assert.rejects(place.create('three'), { code: 'BACKUP_ROLLED_BACK' })
    rmSync(place.folder, { recursive: true })
    cpSync(`${place.folder}-old`, place.folder, { recursive: true })
    rmSync(join(place.folder, 'nightly', 'catalogue'))
    await assert.rejects((await place.backups()).list('nightly'), { code: 'BACKUP_ROLLED_BACK' })
  })

  test('cannot put an older state back for a machine that only reads', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    cpSync(place.folder, `${place.folder}-old`, { recursive: true })
    await place.create('two')
    // Another machine, which has seen nothing yet.
    rmSync(place.seenFile)
    assert.equal((await (await place.backups()).list('nightly')).backups.length, 2)
    rmSync(place.folder, { recursive: true })
    cpSync(`${place.folder}-old`, place.folder, { recursive: true })
    await assert.rejects((await place.backups()).list('nightly'), { code: 'BACKUP_ROLLED_BACK' })
  })

  test('cannot make an older backup pass for the newest by taking that away', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    await place.create('two')
    rmSync(join(place.folder, 'nightly', '000000000002.manifest'))
    const openers = { recoveryKey: RECOVERY_SEED }
    const backups = await place.backups()
    for (const work of [() => backups.verify(NEWEST, openers), () => backups.inspect(NEWEST)]) {
      await assert.rejects(work, (error: CoffreError) => {
        assert.deepEqual([error.code, error.facts['sequence']], ['BACKUP_DAMAGED', 2])
        return true
      })
    }
    assert.equal((await readPlain(place, openers, 1)).toString(), 'one')
    assert.equal((await place.create('three')).sequence, 3)
    assert.equal((await readPlain(place, openers)).toString(), 'three')
  })

  test('cannot bring back a backup that was pruned', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    cpSync(place.folder, `${place.folder}-old`, { recursive: true })
    await place.create('two')
    const backups = await place.backups()
    const pruned = await backups.prune(place.coffre, { series: 'nightly', retention: { last: 1 } })
    assert.deepEqual([pruned.kept, pruned.removed], [[2], [1]])
    for (const name of readdirSync(join(`${place.folder}-old`, 'nightly'))) {
      if (name !== 'catalogue')
        copyFileSync(join(`${place.folder}-old`, 'nightly', name), join(place.folder, 'nightly', name))
    }
    const openers = { recoveryKey: RECOVERY_SEED }
    await assert.rejects(backups.open({ ...NEWEST, sequence: 1 }, openers), { code: 'BACKUP_UNTRUSTED' })
    assert.equal((await backups.list('nightly')).backups[0]?.isTrusted, false)
  })
})

describe('a catalogue that somebody else signed', () => {
  /** As the bucket's owner could: with a key of his own, and a revision that nobody has seen. */
  async function plant(place: BackupPlace) {
    const pair = generateKeyPairSync('ed25519')
    const material = new KeyMaterial(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
    const text = catalogueText({ series: 'nightly', revision: 999, newest: 999, entries: [] })
    writeFileSync(
      join(place.folder, 'nightly', 'catalogue'),
      noteSigner(material)(text, 'coffre-backup/other'),
    )
  }

  test('vouches for nothing, and nobody goes on from it', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    await plant(place)
    const backups = await place.backups()
    const { backups: listed, missing } = await backups.list('nightly')
    assert.deepEqual([listed.map(({ isTrusted }) => isTrusted), missing], [[false], []])
    const openers = { recoveryKey: RECOVERY_SEED }
    const untrusted = { code: 'BACKUP_UNTRUSTED' }
    await assert.rejects(backups.open(NEWEST, openers), untrusted)
    await assert.rejects(place.create('two'), untrusted)
    const opened = await backups.open(NEWEST, openers, { acceptAnySigner: true })
    assert.equal((await collect(backups.readPlain(opened))).toString(), 'one')
  })

  test('makes nobody delete a backup', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    await place.create('two')
    await plant(place)
    const backups = await place.backups()
    const pruning = backups.prune(place.coffre, { series: 'nightly', retention: { last: 5 } })
    await assert.rejects(pruning, { code: 'BACKUP_UNTRUSTED' })
    const left = readdirSync(join(place.folder, 'nightly')).filter((name) => name.endsWith('.manifest'))
    assert.equal(left.length, 2)
  })
})

describe('what no manifest can hold', () => {
  test('is refused before the source is read', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    const source = {
      ...sourceOf('x'),
      read: () => assert.fail('it was read'),
    }
    const create = (options: object, from = source) =>
      backups.create(from, place.coffre, { series: 'nightly', recipients: { key: 'backup' }, ...options })
    const refused = { code: 'INVALID_REQUEST' }
    await assert.rejects(create({ note: 'x'.repeat(1_025) }), refused)
    await assert.rejects(
      create({}, { ...source, describe: async () => ({ name: 'x'.repeat(1_025) }) }),
      refused,
    )
    const recovery = Array.from({ length: 17 }, () => RECOVERY_PUBLIC)
    await assert.rejects(create({ recipients: { recovery } }), { code: 'LIMIT_EXCEEDED' })
  })

  test('a Coffre keeps another key than its own, also after a rekey', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    const source = { ...sourceOf('x'), kind: 'coffre' as const }
    const create = (recipients: object) => backups.create(source, place.coffre, { series: 'own', recipients })
    await assert.rejects(create({ key: 'backup' }), { code: 'CONFIG_REFUSED' })
    const { sequence } = await create({ key: 'backup', recovery: [RECOVERY_PUBLIC] })
    const change = { coffre: place.coffre, recipients: { key: 'backup' } }
    const rekeying = backups.rekey({ series: 'own', sequence }, { recoveryKey: RECOVERY_SEED }, change)
    await assert.rejects(rekeying, { code: 'CONFIG_REFUSED' })
  })
})

describe('a series', () => {
  test('numbers its backups, also for writers at once', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('zero')
    const made = await Promise.all(Array.from({ length: 5 }, (_, at) => place.create(`content ${at}`)))
    assert.deepEqual(new Set(made.map(({ sequence }) => sequence)), new Set([2, 3, 4, 5, 6]))
    const { backups, missing } = await (await place.backups()).list('nightly')
    assert.deepEqual([backups.length, missing, backups.every(({ isTrusted }) => isTrusted)], [6, [], true])
  })

  test('goes on when the key that signs it is rotated, in one process too', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    const options = { series: 'nightly', recipients: { key: 'backup' } }
    await backups.create(sourceOf('one'), place.coffre, options)
    await backups.create(sourceOf('two'), place.coffre, options)
    await place.coffre.keys.rotate('backup-signing')
    await backups.create(sourceOf('three'), place.coffre, options)
    const { backups: listed } = await backups.list('nightly')
    assert.deepEqual(
      listed.map(({ isTrusted }) => isTrusted),
      [true, true, true],
    )
  })

  test('whose maker was killed before the catalogue goes on, and the backup counts', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    const catalogue = readFileSync(join(place.folder, 'nightly', 'catalogue'))
    const seen = readFileSync(place.seenFile)
    await place.create('two')
    writeFileSync(join(place.folder, 'nightly', 'catalogue'), catalogue)
    writeFileSync(place.seenFile, seen)
    assert.equal((await readPlain(place, { coffre: place.coffre }, 2)).toString(), 'two')
    assert.equal((await place.create('three')).sequence, 3)
    const { backups } = await (await place.backups()).list('nightly')
    assert.deepEqual(
      backups.map(({ isTrusted }) => isTrusted),
      [true, true, true],
    )
    assert.match(
      readFileSync(join(place.folder, 'nightly', 'catalogue'), 'utf8'),
      /"sequence":2.*\n.*"sequence":3/,
    )
  })

  test('opens with new recipients after a rekey, and no more with the old ones; the body stays', async (t) => {
    const place = await BackupPlace.open(t)
    const { id, sequence } = await place.create(CONTENT)
    const body = readFileSync(join(place.folder, 'nightly', `${id}.body`))
    const backups = await place.backups()
    const seed = new KeyMaterial(Buffer.alloc(32, 4))
    const change = { coffre: place.coffre, recipients: { recovery: [xWingPublicKey(seed)] } }
    await backups.rekey({ ...NEWEST, sequence }, { recoveryKey: RECOVERY_SEED }, change)
    assert.deepEqual(await readPlain(place, { recoveryKey: seed }), CONTENT)
    await assert.rejects(backups.open(NEWEST, { recoveryKey: RECOVERY_SEED }), { code: 'BACKUP_KEY_MISSING' })
    await assert.rejects(backups.open(NEWEST, { coffre: place.coffre }), { code: 'BACKUP_KEY_MISSING' })
    assert.deepEqual(readFileSync(join(place.folder, 'nightly', `${id}.body`)), body)
    assert.equal((await backups.list('nightly')).backups[0]?.isTrusted, true)
  })

  test('keeps the newest of each day, week and month, and forgets orphans after a day', async (t) => {
    const place = await BackupPlace.open(t)
    for (let day = 0; day < 40; day += 1) {
      await place.create(`day ${day}`)
      place.at += 86_400_000
    }
    writeFileSync(join(place.folder, 'nightly', '01a215c6-fe54-738a-9f61-54a38748cc8b.body'), 'half')
    const backups = await place.backups()
    const retention = { daily: 3, weekly: 3, monthly: 2 }
    const dry = await backups.prune(place.coffre, { series: 'nightly', retention, dryRun: true })
    assert.equal((await backups.list('nightly')).backups.length, 40)
    place.at = Date.now() + 2 * 86_400_000
    const done = await backups.prune(place.coffre, { series: 'nightly', retention })
    // 2026-02-09 is a Monday: three days, the Sundays before it, and the last day of January.
    assert.deepEqual(done.kept, [31, 32, 38, 39, 40])
    assert.deepEqual(dry.kept, done.kept)
    assert.equal(done.orphans.length, 1)
    const left = readdirSync(join(place.folder, 'nightly'))
    assert.equal(left.filter((name) => name.endsWith('.body')).length, done.kept.length)
    for (const sequence of done.kept) await readPlain(place, { coffre: place.coffre }, sequence)
  })

  test('that somebody took away is told until a pruning accepts it', async (t) => {
    const place = await BackupPlace.open(t)
    for (const content of ['one', 'two', 'three']) await place.create(content)
    rmSync(join(place.folder, 'nightly', '000000000002.manifest'))
    const backups = await place.backups()
    const missing = async () => (await backups.list('nightly')).missing.map(({ sequence }) => sequence)
    const request = { series: 'nightly', retention: { last: 5 } }
    await backups.prune(place.coffre, request)
    assert.deepEqual(await missing(), [2])
    await (await place.backups({ acceptOlder: true })).prune(place.coffre, request)
    assert.deepEqual(await missing(), [])
    assert.deepEqual((await backups.list('nightly')).backups.length, 2)
  })

  test('whose manifest is damaged says which one', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    const name = 'nightly/000000000001.manifest'
    writeFileSync(join(place.folder, name), 'no note')
    const facts = { object: name, at: 'manifest', reason: 'no signed note' }
    await assert.rejects((await place.backups()).list('nightly'), { code: 'BACKUP_DAMAGED', facts })
  })

  test('that a withdrawn key has signed keeps its body when others are pruned', async (t) => {
    const place = await BackupPlace.open(t)
    const { id } = await place.create('one')
    await place.coffre.keys.rotate('backup-signing')
    await place.create('two')
    await place.coffre.keys.compromise('backup-signing', { version: 1 })
    place.at = Date.now() + 2 * 86_400_000
    const backups = await place.backups()
    const done = await backups.prune(place.coffre, { series: 'nightly', retention: { last: 1 } })
    assert.deepEqual([done.removed, done.orphans], [[], []])
    assert.ok(readdirSync(join(place.folder, 'nightly')).includes(`${id}.body`))
    const openers = { coffre: place.coffre }
    const opened = await backups.open({ ...NEWEST, sequence: 1 }, openers, { acceptAnySigner: true })
    assert.equal((await collect(backups.readPlain(opened))).toString(), 'one')
  })

  test('stands once in its catalogue, also when two put it back', () => {
    const entry = { sequence: 1, id: '0193a73a-b400-7000-8000-000000000001', record: '0'.repeat(64) }
    const once = changeCatalogue(emptyCatalogue('nightly'), { add: [entry] })
    assert.deepEqual(changeCatalogue(once, { add: [entry] }).entries, [entry])
  })
})
