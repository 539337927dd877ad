import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { FolderObjectStore } from '../../../src/store/object/folder-store.ts'
import { failsWith, makeFolder, makeMemoryFolder } from '../../temporary.ts'
import { collect, namesOf, pieces, removeUnfinished, unfinishedNames } from './sample.ts'
import { testObjectStore } from './suite.ts'

const ONE = Buffer.from('one')

describe('a folder of objects', () => {
  testObjectStore({
    condition: 'atomic',
    partsBytes: 1_000_000,
    withStore: async (work) => {
      const removals: (() => void)[] = []
      const folder = makeMemoryFolder({ after: (remove) => void removals.push(remove as () => void) })
      await work(await FolderObjectStore.open(folder))
      for (const remove of removals) remove()
    },
  })

  test('its folders and files are for their owner alone', async (t) => {
    const folder = makeFolder(t)
    const store = await FolderObjectStore.open(folder)
    await store.write('x/y/a', pieces(ONE))
    assert.equal(statSync(join(folder, 'x/y')).mode & 0o777, 0o700)
    assert.equal(statSync(join(folder, 'x/y/a')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(join(folder, 'x/y')), ['a'])
  })

  test('one that others may read or write is warned of', async (t) => {
    const folder = makeFolder(t)
    const store = await FolderObjectStore.open(folder)
    assert.deepEqual(await store.warnings(), [])
    chmodSync(folder, 0o755)
    assert.deepEqual(await store.warnings(), ['readable-by-others'])
    chmodSync(folder, 0o770)
    assert.deepEqual(await store.warnings(), ['readable-by-others', 'writable-by-others'])
  })

  test('one that is not there is not made', async (t) => {
    const folder = makeFolder(t)
    await assert.rejects(FolderObjectStore.open(join(folder, 'none')), failsWith('BUCKET_NOT_FOUND'))
    writeFileSync(join(folder, 'file'), '')
    await assert.rejects(FolderObjectStore.open(join(folder, 'file')), failsWith('BUCKET_NOT_FOUND'))
    assert.ok(!existsSync(join(folder, 'none')))
  })

  test('links are not followed, and are no objects', async (t) => {
    const outside = makeFolder(t)
    const folder = makeFolder(t)
    writeFileSync(join(outside, 'secret'), 'secret')
    symlinkSync(join(outside, 'secret'), join(folder, 'a'))
    symlinkSync(outside, join(folder, 'x'))
    const store = await FolderObjectStore.open(folder)
    assert.deepEqual(await namesOf(store), [])
    assert.equal(await store.find('a'), undefined)
    await assert.rejects(collect(store.read('a')), failsWith('OBJECT_STORE_REFUSED'))
    for (const work of [
      () => collect(store.read('x/secret')),
      () => store.find('x/secret'),
      () => store.remove('x/secret'),
      () => store.write('x/secret', pieces(ONE)),
    ]) {
      await assert.rejects(work(), failsWith('OBJECT_STORE_REFUSED'))
    }
    // A write replaces the link itself, not what it points to.
    await store.write('a', pieces(ONE))
    assert.deepEqual(readdirSync(outside), ['secret'])
    assert.equal(String(await collect(store.read('a'))), 'one')
  })

  test('what others put there is listed and read, what is neither file nor folder is not', async (t) => {
    const folder = makeFolder(t)
    const store = await FolderObjectStore.open(folder)
    writeFileSync(join(folder, '.env'), 'KEY=1')
    writeFileSync(join(folder, 'a b é'), 'x')
    writeFileSync(join(folder, 'line\nbreak'), 'x')
    assert.deepEqual(await namesOf(store), ['.env', 'a b é'])
    assert.equal(String(await collect(store.read('.env'))), 'KEY=1')
  })

  test('a folder in the place of an object, and an object in the place of a folder, are told', async (t) => {
    const folder = makeFolder(t)
    const store = await FolderObjectStore.open(folder)
    await store.write('a', pieces(ONE))
    await assert.rejects(store.write('a/b', pieces(ONE)), failsWith('OBJECT_EXISTS'))
    mkdirSync(join(folder, 'd'))
    await assert.rejects(store.write('d', pieces(ONE)), failsWith('OBJECT_EXISTS'))
    await assert.rejects(store.write('d', pieces(ONE), { ifAbsent: true }), failsWith('OBJECT_EXISTS'))
    await assert.rejects(collect(store.read('d')), failsWith('OBJECT_NOT_FOUND'))
    assert.deepEqual(await unfinishedNames(store), [])
  })

  test('a file that is cut or written into while it is read is an error', async (t) => {
    const folder = makeFolder(t)
    const store = await FolderObjectStore.open(folder)
    for (const change of ['', 'y'.repeat(1_000_000)]) {
      await store.write('a', pieces(Buffer.alloc(1_000_000, 'x'), 100_000))
      const reading = (async () => {
        for await (const _ of store.read('a')) writeFileSync(join(folder, 'a'), change)
      })()
      await assert.rejects(reading, failsWith('OBJECT_CHANGED'))
    }
  })

  test('what a process of the same number left unfinished is not written into', async (t) => {
    const folder = makeFolder(t)
    const store = await FolderObjectStore.open(folder)
    for (const number of [1, 2, 3]) writeFileSync(join(folder, `a.${process.pid}-${number}.part`), 'left')
    await store.write('a', pieces(ONE))
    assert.deepEqual(await unfinishedNames(store), ['a', 'a', 'a'])
    assert.equal(await removeUnfinished(store), 3)
    assert.deepEqual(readdirSync(folder), ['a'])
  })
})
