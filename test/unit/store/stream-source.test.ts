import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { streamSource } from '../../../src/store/source/stream-source.ts'
import { fileTarget, outputTarget } from '../../../src/store/source/stream-target.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

const { signal } = new AbortController()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function* piecesOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text)
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield bytes('half')
  throw Object.assign(new Error('read'), { code: 'EIO' })
}

describe('a stream that is backed up', () => {
  test('comes as it is, and is counted', async () => {
    const source = streamSource({ name: 'dump', input: Readable.from([bytes('ab'), bytes('c')]) })
    assert.deepEqual(await source.describe(), { name: 'dump' })
    assert.equal(Buffer.concat(await Array.fromAsync(source.read(signal))).toString(), 'abc')
    assert.deepEqual(source.counts(), { bytes: 3 })
  })

  test('that breaks off is no backup', async () => {
    const source = streamSource({ name: 'dump', input: broken() })
    await assert.rejects(Array.fromAsync(source.read(signal)), failsWith('BACKUP_SOURCE_FAILED'))
  })
})

describe('a file that a stream is restored to', () => {
  test('is for its owner alone, and nothing else is left', async (t) => {
    const folder = makeFolder(t)
    const path = join(folder, 'dump')
    const target = fileTarget({ path, id: 'a1' })
    await target.prepare({ bytes: 3 })
    assert.deepEqual(await target.receive(piecesOf('ab', 'c'), signal), { bytes: 3 })
    assert.deepEqual(readdirSync(folder), ['dump.restore_a1.part'])
    assert.deepEqual(await target.commit(), { file: path })
    assert.deepEqual(readdirSync(folder), ['dump'])
    assert.equal(readFileSync(path, 'utf8'), 'abc')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('is not replaced unasked; asked, the old one is kept', async (t) => {
    const folder = makeFolder(t)
    const path = join(folder, 'dump')
    writeFileSync(path, 'old')
    await assert.rejects(fileTarget({ path, id: 'a1' }).prepare({}), failsWith('RESTORE_REFUSED'))
    const target = fileTarget({ path, id: 'a1', replace: true })
    await target.prepare({})
    await target.receive(piecesOf('new'), signal)
    const before = join(folder, 'dump.before_a1')
    assert.deepEqual(await target.commit(), { file: path, before })
    assert.equal(readFileSync(path, 'utf8'), 'new')
    assert.equal(readFileSync(before, 'utf8'), 'old')
  })

  test('is not there after a restore that broke off', async (t) => {
    const folder = makeFolder(t)
    const target = fileTarget({ path: join(folder, 'dump'), id: 'a1' })
    await target.prepare({})
    await assert.rejects(target.receive(broken(), signal), failsWith('RESTORE_FAILED'))
    await target.abandon()
    await target.abandon()
    assert.deepEqual(readdirSync(folder), [])
  })

  test('is never written through a link, at either name', async (t) => {
    const folder = makeFolder(t)
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'mine')
    symlinkSync(victim, join(folder, 'dump'))
    const options = { path: join(folder, 'dump'), id: 'a1', replace: true }
    await assert.rejects(fileTarget(options).prepare({}), failsWith('RESTORE_REFUSED'))
    symlinkSync(victim, join(folder, 'other.restore_a1.part'))
    const target = fileTarget({ ...options, path: join(folder, 'other') })
    await assert.rejects(target.receive(piecesOf('theirs'), signal), failsWith('RESTORE_FAILED'))
    assert.equal(readFileSync(victim, 'utf8'), 'mine')
  })

  test('is refused where there is no space or no folder', async (t) => {
    const folder = makeFolder(t)
    const full = fileTarget({ path: join(folder, 'dump'), id: 'a1' })
    await assert.rejects(full.prepare({ bytes: 2 ** 52 }), failsWith('RESTORE_REFUSED'))
    const lost = fileTarget({ path: join(folder, 'none', 'dump'), id: 'a1' })
    await assert.rejects(lost.prepare({}), failsWith('RESTORE_REFUSED'))
  })
})

describe('a pipe that a stream is restored to', () => {
  test('gets every byte, and is not ended', async () => {
    const output = new PassThrough({ highWaterMark: 1 })
    const got: Buffer[] = []
    output.on('data', (piece: Buffer) => got.push(piece))
    const target = outputTarget(output)
    assert.deepEqual(await target.receive(piecesOf('ab', 'c'), signal), { bytes: 3 })
    assert.equal(Buffer.concat(got).toString(), 'abc')
    assert.equal(output.writableEnded, false)
  })

  test('that closes ends the restore', async () => {
    const output = new Writable({
      highWaterMark: 1,
      write: (_piece, _encoding, done) => done(Object.assign(new Error('pipe'), { code: 'EPIPE' })),
    })
    const lost = outputTarget(output).receive(piecesOf('ab', 'c'), signal)
    await assert.rejects(lost, failsWith('RESTORE_FAILED'))
  })
})
