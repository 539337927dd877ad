import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { checkProof } from '../../../src/audit/check-proof.ts'
import { proveConsistency, proveInclusion } from '../../../src/audit/prove-log.ts'
import { TreeReader } from '../../../src/audit/tree-reader.ts'
import { utf8 } from '../../../src/crypto/bytes.ts'
import { generateEd25519 } from '../../../src/crypto/key-pair.ts'
import { appendLeaves, EMPTY_FRONTIER, leafHash, rootHash } from '../../../src/crypto/merkle.ts'
import { formatConsistencyProof, formatInclusionProof } from '../../../src/crypto/transparency/proof-text.ts'
import { parseCheckpoint } from '../../../src/crypto/transparency/checkpoint.ts'
import { CoffreError, type ErrorCode } from '../../../src/model/errors.ts'
import { changeStore, failsWith } from '../../temporary.ts'
import { append, makeLog, readBodies, type SignedLog, signingAs, writeCheckpoint } from './signed-log.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Two checkpoints, of 5 and of 9 records, and a record behind them. */
async function makeProvable(t: TestContext): Promise<{ log: SignedLog; older: string; newer: string }> {
  const log = await makeLog(t, 5)
  const older = await writeCheckpoint(log)
  await append(log.store, 4)
  const newer = await writeCheckpoint(log)
  await append(log.store, 1)
  return { log, older, newer }
}

function rootOf(bodies: readonly string[]): string {
  const leaves = bodies.map((body) => leafHash(utf8(body)))
  return hex(rootHash(appendLeaves(EMPTY_FRONTIER, leaves)))
}

function refused(code: ErrorCode, facts: object): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CoffreError)
    assert.deepEqual([error.code, error.facts], [code, facts])
    return true
  }
}

describe('an inclusion proof', () => {
  test('of every record verifies, for the newest checkpoint and for the whole log', async (t) => {
    const { log, newer } = await makeProvable(t)
    const bodies = await readBodies(log.store)
    for (const index of bodies.keys()) {
      const asked = index < 9 ? undefined : 10
      const proof = await proveInclusion(log.store, index, asked)
      const size = asked ?? 9
      assert.deepEqual([proof.index, proof.size, proof.body], [index, size, bodies[index]])
      assert.equal(proof.rootHash, rootOf(bodies.slice(0, size)))
      assert.equal(proof.leafHash, hex(leafHash(utf8(bodies[index] ?? ''))))
      assert.equal(proof.text?.endsWith(newer) ?? false, size === 9)
      if (proof.text === undefined) continue
      const checked = checkProof(proof.text, { verifierKeys: [log.verifierKey] })
      const { origin } = log.signer
      const { rootHash: root, body } = proof
      assert.deepEqual(checked, { kind: 'inclusion', origin, size: 9, rootHash: root, index, body })
    }
  })

  test('is of the whole log while nothing is signed', async (t) => {
    const { store } = await makeLog(t, 3)
    const proof = await proveInclusion(store, 2, undefined)
    assert.deepEqual([proof.size, 'text' in proof, proof.path.length], [3, false, 1])
  })

  test('is refused outside the log', async (t) => {
    const { log } = await makeProvable(t)
    const at = (index: number, size?: number) => proveInclusion(log.store, index, size)
    const bounds = { at: 'index', from: 0, to: 8 }
    for (const index of [-1, 9, 0.5, Number.NaN]) {
      await assert.rejects(at(index), refused('INVALID_REQUEST', bounds))
    }
    for (const size of [-1, 11, 1.5]) {
      await assert.rejects(at(0, size), refused('INVALID_REQUEST', { at: 'size', from: 0, to: 10 }))
    }
    assert.equal((await at(9, 10)).index, 9)
  })

  test('is not given where the record is gone or was changed', async (t) => {
    const { log } = await makeProvable(t)
    const damaged = (index: number) => refused('AUDIT_DAMAGED', { index })
    changeStore(log.folder, (database) => {
      database.exec("update audit_record set body = replace(body, 'ok', 'ko') where idx = 3")
    })
    await assert.rejects(proveInclusion(log.store, 3, undefined), damaged(3))
    assert.equal((await proveInclusion(log.store, 2, undefined)).index, 2)
    changeStore(log.folder, (database) => database.exec('delete from audit_record where idx = 6'))
    await assert.rejects(proveInclusion(log.store, 6, undefined), damaged(6))
    await assert.rejects(proveInclusion(log.store, 2, undefined), damaged(6))
  })

  test('does not lean on a checkpoint that says something else', async (t) => {
    const { log } = await makeProvable(t)
    changeStore(log.folder, (database) => {
      database.exec(
        'update audit_checkpoint set note = (select note from audit_checkpoint where size = 5) where size = 9',
      )
    })
    assert.equal('text' in (await proveInclusion(log.store, 0, 9)), false)
    assert.equal('text' in (await proveConsistency(log.store, 5, 9)), false)
    changeStore(log.folder, (database) => {
      database.exec("update audit_checkpoint set note = 'no note' where size = 9")
    })
    assert.equal('text' in (await proveInclusion(log.store, 0, 9)), false)
  })
})

describe('a consistency proof', () => {
  test('between all sizes verifies', async (t) => {
    const { log, older } = await makeProvable(t)
    const bodies = await readBodies(log.store)
    for (let from = 0; from <= 9; from += 1) {
      const proof = await proveConsistency(log.store, from, undefined)
      const roots = [rootOf(bodies.slice(0, from)), rootOf(bodies.slice(0, 9))]
      assert.deepEqual([proof.from, proof.to, proof.fromRootHash, proof.toRootHash], [from, 9, ...roots])
    }
    const { text = '', toRootHash } = await proveConsistency(log.store, 5, undefined)
    assert.deepEqual(checkProof(text, { verifierKeys: [log.verifierKey], old: older }), {
      kind: 'consistency',
      origin: log.signer.origin,
      size: 9,
      rootHash: toRootHash,
      from: 5,
    })
    assert.equal('text' in (await proveConsistency(log.store, 5, 10)), false)
  })

  test('is refused for a size before which there is nothing or behind which there is nothing', async (t) => {
    const { log } = await makeProvable(t)
    const bounds = { at: 'from', from: 0, to: 9 }
    for (const from of [-1, 10, 2.5]) {
      await assert.rejects(proveConsistency(log.store, from, undefined), refused('INVALID_REQUEST', bounds))
    }
  })
})

describe('the reader of a proof', () => {
  test('believes only the keys that it was given', async (t) => {
    const { log, older } = await makeProvable(t)
    const { text = '' } = await proveInclusion(log.store, 0, undefined)
    const { verifierKey } = signingAs(log.signer.origin, await generateEd25519())
    const unknown = refused('SIGNATURE_INVALID', { at: 'proof' })
    assert.throws(() => checkProof(text, { verifierKeys: [verifierKey] }), unknown)
    assert.throws(() => checkProof(text, { verifierKeys: [] }), unknown)
    assert.equal(checkProof(text, { verifierKeys: [verifierKey, log.verifierKey] }).index, 0)
    const mistake = refused('INVALID_REQUEST', { at: 'verifierKeys', expected: 'name+hash+key' })
    assert.throws(() => checkProof(text, { verifierKeys: ['no key'] }), mistake)
    const consistency = (await proveConsistency(log.store, 5, undefined)).text ?? ''
    assert.throws(() => checkProof(consistency, { verifierKeys: [verifierKey], old: older }), unknown)
    const other = older.replace(/— (\S+) \S+\n$/, '— $1 AAAAAAAA\n')
    assert.throws(
      () => checkProof(consistency, { verifierKeys: [log.verifierKey], old: other }),
      refused('SIGNATURE_INVALID', { at: 'old' }),
    )
  })

  test('is told what is missing', async (t) => {
    const { log, newer } = await makeProvable(t)
    const verifierKeys = [log.verifierKey]
    const expected = (at: string, text: string) => refused('INVALID_REQUEST', { at, expected: text })
    const bare = formatInclusionProof({ index: 0, path: [], checkpoint: newer })
    assert.throws(
      () => checkProof(bare, { verifierKeys }),
      expected('proof', 'an `extra` line with the record'),
    )
    assert.throws(
      () => checkProof('nothing', { verifierKeys }),
      expected('proof', 'c2sp.org/tlog-proof@v1, or old <size>'),
    )
    const { text = '' } = await proveConsistency(log.store, 5, undefined)
    assert.throws(
      () => checkProof(text, { verifierKeys }),
      expected('old', 'the older checkpoint that you have kept'),
    )
    assert.throws(
      () => checkProof(text, { verifierKeys, old: 'no note' }),
      expected('old', 'a signed note of a checkpoint'),
    )
  })

  test('believes no path that does not lead to the root, and no older checkpoint but the one meant', async (t) => {
    const { log, older, newer } = await makeProvable(t)
    const verifierKeys = [log.verifierKey]
    const [body = ''] = await readBodies(log.store)
    const wrong = formatInclusionProof({ index: 0, extra: utf8(body), path: [], checkpoint: newer })
    assert.throws(() => checkProof(wrong, { verifierKeys }), failsWith('PROOF_INVALID'))
    const { text = '', path } = await proveConsistency(log.store, 5, undefined)
    assert.throws(() => checkProof(text, { verifierKeys, old: newer }), failsWith('PROOF_INVALID'))
    const other = { ...signingAs('another', await generateEd25519()) }
    const checkpoint = parseCheckpoint(older)?.checkpoint
    assert.ok(checkpoint !== undefined)
    const stranger = await other.signer.sign({ ...checkpoint, origin: 'another' })
    const both = { verifierKeys: [...verifierKeys, other.verifierKey] }
    assert.throws(() => checkProof(text, { ...both, old: stranger }), failsWith('PROOF_INVALID'))
    const spoiled = formatConsistencyProof({
      from: 5,
      path: path.map((hash) => Buffer.from(hash, 'hex').reverse()),
      checkpoint: newer,
    })
    assert.throws(() => checkProof(spoiled, { verifierKeys, old: older }), failsWith('PROOF_INVALID'))
  })

  test('believes no record that names another place, or that is no record', async () => {
    const { signer, verifierKey } = signingAs('a-log', await generateEd25519())
    const prove = async (extra: Uint8Array) => {
      const rootOfOne = leafHash(extra)
      const checkpoint = await signer.sign({ origin: 'a-log', size: 1, rootHash: rootOfOne })
      return formatInclusionProof({ index: 0, extra, path: [], checkpoint })
    }
    const verifierKeys = [verifierKey]
    assert.equal(checkProof(await prove(utf8('{"i":0}')), { verifierKeys }).body, '{"i":0}')
    const notUtf8 = Buffer.concat([utf8('{"i":0,"x":"'), Buffer.of(0xff), utf8('"}')])
    for (const extra of [utf8('{"i":1}'), utf8('{}'), utf8('null'), utf8('0'), utf8('no JSON'), notUtf8]) {
      const text = await prove(extra)
      assert.throws(() => checkProof(text, { verifierKeys }), failsWith('PROOF_INVALID'))
    }
  })
})

describe('the tree over stored hashes', () => {
  test('gives the root at every kind of size, with and without hashes of higher levels', async (t) => {
    const log = await makeLog(t, 600)
    const bodies = await readBodies(log.store)
    const tree = new TreeReader(log.store)
    const roots = async () => {
      for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 513, 600]) {
        const { rootHash: root } = await tree.headAt(size)
        assert.equal(hex(root), rootOf(bodies.slice(0, size)), `size ${size}`)
      }
    }
    await roots()
    await writeCheckpoint(log)
    assert.equal(await log.store.countAuditNodes(), 2)
    await roots()
    assert.equal(hex(await tree.rangeHash({ start: 256, end: 600 })), rootOf(bodies.slice(256)))
    assert.equal(hex(await tree.rangeHash({ start: 6, end: 8 })), rootOf(bodies.slice(6, 8)))
  })

  test('reads a stored hash instead of 256 leaves', async (t) => {
    const log = await makeLog(t, 300)
    await writeCheckpoint(log)
    const before = await new TreeReader(log.store).headAt(300)
    changeStore(log.folder, (database) => database.exec('delete from audit_record where idx < 200'))
    assert.deepEqual(await new TreeReader(log.store).headAt(300), before)
    await assert.rejects(new TreeReader(log.store).headAt(255), refused('AUDIT_DAMAGED', { index: 0 }))
  })
})
