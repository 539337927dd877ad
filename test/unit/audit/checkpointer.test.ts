import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CheckpointAlert, alertOf, Checkpointer } from '../../../src/audit/checkpoint/checkpointer.ts'
import { compareWithCopy, readCopy, requireAgreement } from '../../../src/audit/checkpoint/compare-copy.ts'
import { findIdentity, listVerifierKeys } from '../../../src/audit/checkpoint/signing-key.ts'
import { checkStoredCheckpoints } from '../../../src/audit/checkpoint/stored-checkpoints.ts'
import { generateEd25519 } from '../../../src/crypto/key-pair.ts'
import { exportPublicKey } from '../../../src/crypto/key-object.ts'
import { spkiPem } from '../../../src/crypto/pem.ts'
import { parseCheckpoint } from '../../../src/crypto/transparency/checkpoint.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import { rotateKey } from '../../../src/keyring/rotation.ts'
import { CoffreError, type ErrorCode } from '../../../src/model/errors.ts'
import { AUDIT_KEY_NAME, SYSTEM_TENANT } from '../../../src/model/ids.ts'
import type { Store } from '../../../src/store/store.ts'
import { LATER, materials, sampleWrapped } from '../../conformance/store/sample.ts'
import { changeStore, failsWith } from '../../temporary.ts'
import { append, makeLog, MemoryCopy, type SignedLog, signingAs, writeCheckpoint } from './signed-log.ts'

interface Watched {
  readonly checkpointer: Checkpointer
  readonly alerts: [CheckpointAlert, unknown][]
}

function watch(store: Store, copy?: MemoryCopy): Watched {
  const alerts: [CheckpointAlert, unknown][] = []
  const parts = copy === undefined ? { store } : { store, copy }
  const onAlert = (alert: CheckpointAlert, error?: unknown) => void alerts.push([alert, error])
  return { checkpointer: new Checkpointer({ ...parts, onAlert }), alerts }
}

function sizesIn(copy: MemoryCopy): readonly (number | undefined)[] {
  const notes = (copy.text ?? '').split(/(?<=— .*\n)\n/u)
  return notes.map((note) => parseCheckpoint(note)?.checkpoint.size)
}

function refused(code: ErrorCode, facts: object): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CoffreError)
    assert.deepEqual([error.code, error.facts], [code, facts])
    return true
  }
}

describe('a checkpoint', () => {
  test('signs the log as it is, and is written once for each size', async (t) => {
    const log = await makeLog(t, 3)
    const copy = new MemoryCopy()
    const { checkpointer, alerts } = watch(log.store, copy)
    assert.deepEqual(checkpointer.written, { size: -1, copied: false })
    const first = await checkpointer.write(log.signer)
    const signed = parseCheckpoint(first.note)?.checkpoint
    const head = await log.store.readAuditHead()
    assert.deepEqual(
      [first.size, signed?.size, Buffer.from(signed?.rootHash ?? []), signed?.origin],
      [3, 3, Buffer.from(head.rootHash), log.signer.origin],
    )
    assert.deepEqual(checkpointer.written, { size: 3, copied: true })
    const refuses = { ...log.signer, sign: () => Promise.reject(new Error('it was signed already')) }
    assert.equal((await checkpointer.write(refuses)).note, first.note)
    await append(log.store, 2)
    assert.equal((await checkpointer.write(log.signer)).size, 5)
    assert.deepEqual([sizesIn(copy), alerts], [[3, 5], []])
    assert.deepEqual(
      (await log.store.readCheckpoints(9)).map(({ size }) => size),
      [5, 3],
    )
  })

  test('that nobody can have signed is no beginning', async (t) => {
    const log = await makeLog(t, 3)
    await writeCheckpoint(log)
    await append(log.store, 1)
    changeStore(log.folder, (database) => database.exec('delete from key_version; delete from key'))
    assert.equal((await new Checkpointer({ store: log.store }).write(log.signer)).size, 4)
  })

  test('of an empty log can be signed', async (t) => {
    const { store, signer } = await makeLog(t, 0)
    assert.equal((await new Checkpointer({ store }).write(signer)).size, 0)
    await append(store, 2)
    assert.equal((await new Checkpointer({ store }).write(signer)).size, 2)
  })

  test('needs no copy, and then asks for none', async (t) => {
    const log = await makeLog(t, 1)
    const { checkpointer, alerts } = watch(log.store)
    await checkpointer.write(log.signer)
    assert.deepEqual([checkpointer.written, alerts], [{ size: 1, copied: true }, []])
  })

  test('stores a hash for each 256 records, once', async (t) => {
    const log = await makeLog(t, 255)
    const { checkpointer } = watch(log.store)
    for (const [more, nodes] of [
      [0, 0],
      [1, 1],
      [255, 1],
      [1, 2],
    ] as const) {
      if (more > 0) await append(log.store, more)
      await checkpointer.write(log.signer)
      assert.equal(await log.store.countAuditNodes(), nodes)
    }
  })

  test('goes on from the last one of another process, without reading what lies before', async (t) => {
    const log = await makeLog(t, 5)
    await writeCheckpoint(log)
    changeStore(log.folder, (database) => {
      database.exec("update audit_record set body = replace(body, 'ok', 'ko') where idx = 2")
    })
    await append(log.store, 2)
    assert.equal((await new Checkpointer({ store: log.store }).write(log.signer)).size, 7)
  })

  test('is not written of a body, a row or a head that is not as it was', async (t) => {
    const damages: readonly [string, object][] = [
      ["update audit_record set body = replace(body, 'ok', 'ko') where idx = 5", { index: 5 }],
      ['delete from audit_record where idx = 6', { index: 6 }],
      ['delete from audit_record where idx >= 5', { index: 5 }],
      ['delete from audit_record where idx = 4', { index: 4 }],
      ['update audit_head set root_hash = zeroblob(32)', { part: 'head' }],
      ['update audit_head set frontier = zeroblob(length(frontier))', { part: 'head' }],
    ]
    for (const [sql, facts] of damages) {
      const log = await makeLog(t, 5)
      await writeCheckpoint(log)
      await append(log.store, 2)
      changeStore(log.folder, (database) => database.exec(sql))
      const { checkpointer } = watch(log.store)
      await assert.rejects(checkpointer.write(log.signer), refused('AUDIT_DAMAGED', facts), sql)
      assert.equal((await log.store.readCheckpoints(1))[0]?.size, 5)
    }
  })

  test('is not written where the log does not continue the last one', async (t) => {
    const log = await makeLog(t, 5)
    await writeCheckpoint(log)
    const rolledBack = await makeLog(t, 3)
    const forked = await makeLog(t, 0)
    // The same key and the same checkpoint, beside another log.
    for (const other of [rolledBack, forked]) await adopt(log, other)
    changeStore(forked.folder, (database) => database.exec('delete from audit_checkpoint'))
    await assert.rejects(
      new Checkpointer({ store: rolledBack.store }).write(log.signer),
      refused('AUDIT_ROLLED_BACK', { checkpointSize: 5, size: 3 }),
    )
    const sign = (size: number) =>
      log.signer.sign({ origin: log.signer.origin, size, rootHash: new Uint8Array(32) })
    await append(forked.store, 6)
    const note = await sign(5)
    changeStore(forked.folder, (database) => {
      database.prepare('insert into audit_checkpoint (size, note) values (5, ?)').run(note)
    })
    await assert.rejects(
      new Checkpointer({ store: forked.store }).write(log.signer),
      refused('AUDIT_FORKED', { checkpointSize: 5, size: 6 }),
    )
  })

  test('is signed again by a new generation of the key', async (t) => {
    const log = await makeLog(t, 2)
    const copy = new MemoryCopy()
    const { checkpointer } = watch(log.store, copy)
    const { note } = await checkpointer.write(log.signer)
    const next = await rotateSigner(log)
    const again = await checkpointer.write(next.signer)
    assert.notEqual(again.note, note)
    assert.equal((await checkpointer.write(next.signer)).note, again.note)
    assert.deepEqual(sizesIn(copy), [2, 2])
    const keys = await listVerifierKeys(log.store)
    assert.deepEqual(
      keys.map(({ version, state, verifierKey }) => [version, state, verifierKey]),
      [
        [2, 'active', next.verifierKey],
        [1, 'deactivated', log.verifierKey],
      ],
    )
  })

  test('of an accepted restore begins a new line and forgets what was given up', async (t) => {
    const log = await makeLog(t, 5)
    const copy = new MemoryCopy()
    const { checkpointer } = watch(log.store, copy)
    await checkpointer.write(log.signer)
    const restored = { size: 9, rootHash: new Uint8Array(32).fill(9) }
    const { note } = await checkpointer.write(log.signer, restored)
    assert.deepEqual(parseCheckpoint(note)?.checkpoint.restored?.size, 9)
    assert.deepEqual(sizesIn(copy), [5, 5])
    await append(log.store, 1)
    await checkpointer.write(log.signer)
    const found = await checkStoredCheckpoints(log.store, await findIdentity(log.store))
    assert.deepEqual(
      [found.checkpoints.map(({ size }) => size), found.newest, found.fault],
      [[6, 5], 6, undefined],
    )
  })
})

/** Gives `other` the identity and the checkpoints of `log`. */
async function adopt(log: SignedLog, other: SignedLog): Promise<void> {
  const [checkpoint] = await log.store.readCheckpoints(1)
  const key = await log.store.findKey(SYSTEM_TENANT, AUDIT_KEY_NAME)
  changeStore(other.folder, (database) => {
    database.prepare('update key set id = ? where tenant = ?').run(key?.id ?? '', SYSTEM_TENANT)
    database
      .prepare('update key_version set key_id = ?, public_key = ?')
      .run(key?.id ?? '', key?.versions[0]?.publicKey ?? '')
    database
      .prepare('insert into audit_checkpoint (size, note) values (?, ?)')
      .run(checkpoint?.size ?? 0, checkpoint?.note ?? '')
  })
}

async function rotateSigner(log: SignedLog) {
  const material = await generateEd25519()
  const before = await log.store.findKey(SYSTEM_TENANT, AUDIT_KEY_NAME)
  assert.ok(before !== undefined)
  const after = rotateKey(before, { now: LATER, publicKey: spkiPem(exportPublicKey(material)) })
  assert.ok(!(after instanceof Refusal))
  await log.store.transaction((tx) => tx.updateKey(before, after, materials([2, sampleWrapped()])))
  return signingAs(log.signer.origin, material)
}

describe('the copy', () => {
  test('that cannot be written is an alert, and the next checkpoint tries again', async (t) => {
    const log = await makeLog(t, 2)
    const copy = new MemoryCopy()
    const { checkpointer, alerts } = watch(log.store, copy)
    copy.fails = true
    await checkpointer.write(log.signer)
    assert.deepEqual(
      alerts.map(([alert, error]) => [alert, error instanceof Error]),
      [
        ['copy-damaged', false],
        ['copy-unwritable', true],
      ],
    )
    assert.deepEqual(checkpointer.written, { size: 2, copied: false })
    copy.fails = false
    await checkpointer.write(log.signer)
    assert.deepEqual([checkpointer.written, sizesIn(copy)], [{ size: 2, copied: true }, [2]])
  })

  test('of a process that is ahead keeps what it has', async (t) => {
    const log = await makeLog(t, 4)
    const copy = new MemoryCopy()
    const ahead = await log.signer.sign({
      origin: log.signer.origin,
      size: 9,
      rootHash: new Uint8Array(32),
    })
    copy.text = ahead
    await watch(log.store, copy).checkpointer.write(log.signer)
    assert.equal(copy.text, ahead)
  })

  test('is written again after it was lost, and not twice with the same note', async (t) => {
    const log = await makeLog(t, 4)
    const copy = new MemoryCopy()
    const note = await writeCheckpoint(log, copy)
    copy.text = undefined
    assert.equal(await writeCheckpoint(log, copy), note)
    assert.equal(await writeCheckpoint(log, copy), note)
    assert.equal(copy.text, note)
  })

  test('is a finding where it is gone, empty or unreadable, and nothing before there is a key', async (t) => {
    const { store } = await makeLog(t, 0)
    const identity = await findIdentity(store)
    const copy = new MemoryCopy()
    for (const text of [undefined, '']) {
      copy.text = text
      assert.equal((await readCopy(copy, identity)).finding, 'copy-missing')
      assert.equal((await readCopy(copy, undefined)).finding, undefined)
    }
    copy.text = 'nothing\n'
    assert.equal((await readCopy(copy, identity)).finding, 'copy-damaged')
    copy.fails = true
    assert.deepEqual(await readCopy(copy, identity), {
      history: { kept: [], isDamaged: false },
      finding: 'copy-damaged',
    })
    assert.deepEqual(await readCopy(undefined, identity), { history: { kept: [], isDamaged: false } })
  })

  test('is compared with the log at every start', async (t) => {
    const log = await makeLog(t, 4)
    const copy = new MemoryCopy()
    const missing = await compareWithCopy(log.store, copy)
    assert.deepEqual(missing, { verdict: 'agrees', size: 4, finding: 'copy-missing' })
    await writeCheckpoint(log, copy)
    await append(log.store, 1)
    const { verdict, size, newest, finding } = await compareWithCopy(log.store, copy)
    assert.deepEqual([verdict, size, newest?.size, finding], ['agrees', 5, 4, undefined])
    requireAgreement({ verdict, size }, copy.place)
    const { origin } = log.signer
    const judged = async (checkpoint: { origin: string; size: number; rootHash: Uint8Array }) => {
      copy.text = await log.signer.sign(checkpoint)
      return compareWithCopy(log.store, copy)
    }
    const { rootHash } = await log.store.readAuditHead()
    assert.equal((await judged({ origin, size: 5, rootHash })).verdict, 'agrees')
    const forked = await judged({ origin, size: 5, rootHash: new Uint8Array(32) })
    const rolledBack = await judged({ origin, size: 6, rootHash })
    const foreign = await judged({ origin: 'another', size: 6, rootHash })
    assert.deepEqual(
      [forked.verdict, rolledBack.verdict, foreign.verdict],
      ['forked', 'rolled-back', 'forked'],
    )
    const facts = { checkpointSize: 5, size: 5, checkpointFile: 'here' }
    assert.throws(() => requireAgreement(forked, 'here'), refused('AUDIT_FORKED', facts))
    const lost = { ...facts, checkpointSize: 6 }
    assert.throws(() => requireAgreement(rolledBack, 'here'), refused('AUDIT_ROLLED_BACK', lost))
  })
})

describe('the checkpoints in the database', () => {
  test('are each signed and each what its row says', async (t) => {
    const log = await makeLog(t, 3)
    assert.deepEqual(await checkStoredCheckpoints(log.store, undefined), { checkpoints: [], newest: -1 })
    await writeCheckpoint(log)
    await append(log.store, 1)
    await writeCheckpoint(log)
    const identity = await findIdentity(log.store)
    const { checkpoints, newest, fault } = await checkStoredCheckpoints(log.store, identity)
    assert.deepEqual([checkpoints.map(({ size }) => size), newest, fault], [[4, 3], 4, undefined])
    const unknown = await checkStoredCheckpoints(log.store, undefined)
    assert.deepEqual(unknown, { checkpoints: [], newest: 4, fault: { reason: 'checkpoint' } })
    changeStore(log.folder, (database) =>
      database.exec('update audit_checkpoint set size = 5 where size = 4'),
    )
    const moved = await checkStoredCheckpoints(log.store, identity)
    assert.deepEqual(moved, { checkpoints: [], newest: 5, fault: { reason: 'checkpoint' } })
    changeStore(log.folder, (database) => {
      database.exec(
        "update audit_checkpoint set size = 4 where size = 5; update audit_checkpoint set note = 'x' where size = 3",
      )
    })
    const spoiled = await checkStoredCheckpoints(log.store, identity)
    assert.deepEqual(
      [spoiled.checkpoints.map(({ size }) => size), spoiled.fault],
      [[4], { reason: 'checkpoint' }],
    )
  })
})

test('checkpoints before an accepted restore are of a line that was given up', async (t) => {
  const log = await makeLog(t, 9)
  const { origin } = log.signer
  const rootHash = new Uint8Array(32)
  const notes = [
    await log.signer.sign({ origin, size: 9, rootHash }),
    await log.signer.sign({ origin, size: 7, rootHash, restored: { size: 8, rootHash } }),
    await log.signer.sign({ origin, size: 5, rootHash }),
  ]
  changeStore(log.folder, (database) => {
    const insert = database.prepare('insert into audit_checkpoint (size, note) values (?, ?)')
    for (const [at, size] of [9, 7, 5].entries()) insert.run(size, notes[at] ?? '')
  })
  const { checkpoints, newest } = await checkStoredCheckpoints(log.store, await findIdentity(log.store))
  assert.deepEqual([checkpoints.map(({ size }) => size), newest], [[9, 7], 9])
})

describe('the identity of a log', () => {
  test('is damage where a public key does not read', async (t) => {
    const log = await makeLog(t, 0)
    for (const pem of ['no key', null]) {
      changeStore(log.folder, (database) =>
        database.prepare('update key_version set public_key = ?').run(pem),
      )
      await assert.rejects(
        findIdentity(log.store),
        refused('STORE_DAMAGED', { part: 'public_key', version: 1 }),
      )
      await assert.rejects(listVerifierKeys(log.store), failsWith('STORE_DAMAGED'))
    }
    changeStore(log.folder, (database) => database.exec('delete from key_version; delete from key'))
    assert.equal(await findIdentity(log.store), undefined)
    assert.deepEqual(await listVerifierKeys(log.store), [])
  })
})

test('an alert tells a damaged log from one that could not be signed', () => {
  for (const code of ['AUDIT_DAMAGED', 'AUDIT_ROLLED_BACK', 'AUDIT_FORKED', 'STORE_DAMAGED'] as const) {
    assert.equal(alertOf(new CoffreError(code)), 'log-damaged')
  }
  assert.equal(alertOf(new CoffreError('STORE_UNAVAILABLE')), 'unsigned')
  assert.equal(alertOf(new Error('AUDIT_DAMAGED')), 'unsigned')
})
