import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { collect, namesOf, pieces, removeUnfinished, unfinishedNames } from '../conformance/object/sample.ts'
import { makeBucket, openBucket } from '../conformance/object/s3-target.ts'
import type { S3Server } from '../s3-server.ts'
import type { ObjectStore } from '../../src/store/object-store.ts'
import { FolderObjectStore } from '../../src/store/object/folder-store.ts'
import { NO_SWIFT, startSwift } from '../swift-server.ts'
import { failsWith, makeFolder } from '../temporary.ts'

const PART = 100_000
const PARTS = 5
const WHOLE = Buffer.concat(Array.from({ length: PARTS }, (_, index) => Buffer.alloc(PART, index + 1)))
const CHILD = join(import.meta.dirname, 'object-child.ts')
const SMALL_DISK_BYTES = 4 * 1024 * 1024

describe('a folder of objects', () => {
  test('whose writer is killed at part n, for every n, has no half object', async (t) => {
    for (let number = 1; number <= PARTS + 1; number += 1) {
      const store = await FolderObjectStore.open(makeFolder(t))
      await killWriterAt(number, [store.place, ''], '')
      await checkRecovery(store, true)
    }
    t.diagnostic(`cases: ${PARTS + 1} kills`)
  })

  test('on a full disk says so, leaves nothing, and keeps what is there', {
    skip: withoutDisk(),
  }, async () => {
    await withSmallDisk(async (folder) => {
      const store = await FolderObjectStore.open(folder)
      await store.write('a', pieces(WHOLE, PART))
      const tooMuch = (async function* () {
        for (;;) yield Buffer.alloc(PART)
      })()
      await assert.rejects(store.write('a', tooMuch), (error) => {
        assert.equal((error as { facts?: { reason?: string } }).facts?.reason, 'ENOSPC')
        return failsWith('OBJECT_STORE_UNAVAILABLE')(error)
      })
      assert.deepEqual([await namesOf(store), await unfinishedNames(store)], [['a'], []])
      assert.ok((await collect(store.read('a'))).equals(WHOLE))
      await store.write('b', pieces(WHOLE, PART))
    })
  })

  test('that is read-only refuses writes and is read', { skip: withoutDisk() }, async () => {
    await withSmallDisk(async (folder) => {
      const store = await FolderObjectStore.open(folder)
      await store.write('a', pieces(WHOLE, PART))
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', folder]).status, 0)
      for (const name of ['a', 'x/b']) {
        await assert.rejects(store.write(name, pieces(WHOLE)), failsWith('OBJECT_STORE_REFUSED'))
      }
      await assert.rejects(store.remove('a'), failsWith('OBJECT_STORE_REFUSED'))
      assert.ok((await collect(store.read('a'))).equals(WHOLE))
      assert.deepEqual(await namesOf(store), ['a'])
    })
  })
})

describe('a bucket of OpenStack Swift', { skip: NO_SWIFT }, async () => {
  if (NO_SWIFT !== false) return
  const server = await startSwift({ after })

  test('whose writer is killed at part n, for every n, has no half object', async (t) => {
    for (let number = 1; number <= PARTS + 1; number += 1) {
      const bucket = await makeBucket(server)
      await killWriterAt(number, [bucket, String(server.port)], credentialsOf(server))
      const store = openBucket(server, { bucket, partBytes: () => PART })
      await checkRecovery(store, number > 2)
      await store.close()
    }
    t.diagnostic(`cases: ${PARTS + 1} kills`)
  })

  test('whose server is killed at part n, for every n, has no half object', async (t) => {
    for (let number = 1; number <= PARTS; number += 1) {
      const bucket = await makeBucket(server)
      const store = openBucket(server, { bucket, partBytes: () => PART, attempts: 2, timeoutMs: 20_000 })
      const body = (async function* () {
        for (let at = 1; at <= PARTS; at += 1) {
          if (at === number) await server.kill()
          yield Buffer.alloc(PART, at)
        }
      })()
      await assert.rejects(store.write('a', body, { ifAbsent: true }), failsWith('OBJECT_STORE_UNAVAILABLE'))
      await server.start()
      await untilServing(server, bucket)
      await checkRecovery(store, number > 2)
      await store.close()
    }
    t.diagnostic(`cases: ${PARTS} kills`)
  })
})

/** The writer ends as kill -9 ends it, when it is about to give away part `number`, or after the last. */
async function killWriterAt(number: number, place: readonly string[], credentials: string): Promise<void> {
  const child = spawn(process.execPath, [CHILD, ...place, String(PART), String(PARTS)], {
    env: { ...process.env, TEST_CREDENTIALS: credentials },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === String(number) || line === 'end') return killNow(child, gone)
    child.stdin.write('\n')
  }
  assert.fail('the writer ended by itself')
}

async function killNow(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL')
  await gone
}

/** `isBegun`: so much was written that something unfinished must be there. */
async function checkRecovery(store: ObjectStore, isBegun: boolean): Promise<void> {
  assert.deepEqual(await namesOf(store), [])
  assert.equal(await store.find('a'), undefined)
  const removed = await removeUnfinished(store)
  if (isBegun) assert.equal(removed, 1)
  assert.deepEqual(await unfinishedNames(store), [])
  await store.write('a', pieces(WHOLE, PART), { ifAbsent: true })
  assert.ok((await collect(store.read('a'))).equals(WHOLE))
  assert.deepEqual(await namesOf(store), ['a'])
}

function credentialsOf({ accessKeyId, secretAccessKey, region }: S3Server): string {
  return `${accessKeyId} ${secretAccessKey} ${region}`
}

/** A server that was killed does not know at once which of its parts answer again. */
async function untilServing(server: S3Server, bucket: string): Promise<void> {
  const store = openBucket(server, { bucket })
  for (;;) {
    try {
      await namesOf(store)
      return await store.close()
    } catch (error) {
      failsWith('OBJECT_STORE_UNAVAILABLE')(error)
    }
  }
}

async function withSmallDisk(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-disk-'))
  assert.ok(mountSmallDisk(folder))
  try {
    await work(folder)
  } finally {
    spawnSync('umount', ['-l', folder])
    rmdirSync(folder)
  }
}

function mountSmallDisk(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_BYTES}`, 'tmpfs', folder]).status === 0
}

function withoutDisk(): string | false {
  const probe = mkdtempSync(join(tmpdir(), 'coffre-disk-'))
  const isMounted = mountSmallDisk(probe)
  if (isMounted) spawnSync('umount', [probe])
  rmdirSync(probe)
  return isMounted ? false : 'this machine does not let root mount a tmpfs'
}
