import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { ObjectStore } from '../../../src/store/object-store.ts'
import { failsWith } from '../../temporary.ts'
import {
  broken,
  collect,
  listAll,
  namesOf,
  pieces,
  removeUnfinished,
  stuck,
  unfinishedNames,
} from './sample.ts'

export interface Target {
  /** An empty store for one test. */
  readonly withStore: (work: (store: ObjectStore) => Promise<void>) => Promise<void>
  /** What the store must answer for a condition. */
  readonly condition: 'atomic' | 'looked'
  /** False for a server that always says the same time of uploads under way. */
  readonly tellsStart?: boolean
  /** Several parts of this store. */
  readonly partsBytes: number
}

const REFUSED_NAMES = [
  '',
  '/',
  '/etc/passwd',
  '..',
  '../a',
  'a/../b',
  'a//b',
  'a/',
  './a',
  '.hidden',
  'a\nb',
  'a\0b',
  'a b',
  'a\\b',
  'é',
  '-a',
  'a.part',
  'a'.repeat(129),
  Array.from({ length: 300 }, () => 'a').join('/'),
]
const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')]

/** What every object store must do. */
export function testObjectStore(target: Target): void {
  testBytes(target)
  testConditions(target)
  testFailures(target)
  testLists(target)
}

function testBytes({ withStore, partsBytes }: Target): void {
  for (const [title, bytes] of [
    ['nothing', 0],
    ['one byte', 1],
    ['some bytes', 5_000],
    ['many bytes', partsBytes],
  ] as const) {
    test(`${title} come back as written, and are found`, () =>
      withStore(async (store) => {
        const body = randomBytes(bytes)
        const written = await store.write('folder/a.bin', pieces(body, 300_007))
        const { condition, ...facts } = written
        assert.equal(condition, 'none')
        assert.equal(facts.bytes, bytes)
        assert.equal(facts.name, 'folder/a.bin')
        assert.deepEqual(await store.find('folder/a.bin'), facts)
        assert.deepEqual(await listAll(store), [facts])
        assert.ok((await collect(store.read('folder/a.bin'))).equals(body))
        assert.deepEqual(await unfinishedNames(store), [])
      }))
  }

  test('a range is read, and what lies beyond the end is not there', () =>
    withStore(async (store) => {
      const body = randomBytes(10_000)
      await store.write('a', pieces(body))
      const ranges = [
        { offset: 0, length: 1 },
        { offset: 9_999, length: 1 },
        { offset: 500, length: 4_000 },
        { offset: 9_000, length: 4_000 },
        { offset: 3 },
        { length: 7 },
        { offset: 10_000, length: 5 },
        { offset: 20_000 },
        { offset: 5, length: 0 },
      ]
      for (const range of ranges) {
        const { offset = 0, length = 10_000 } = range
        const expected = body.subarray(offset, offset + length)
        assert.ok((await collect(store.read('a', range))).equals(expected), JSON.stringify(range))
      }
    }))

  test('what is not there is undefined, OBJECT_NOT_FOUND or absent', () =>
    withStore(async (store) => {
      assert.equal(await store.find('a'), undefined)
      assert.equal(await store.find('a/b'), undefined)
      await assert.rejects(collect(store.read('a')), failsWith('OBJECT_NOT_FOUND'))
      await assert.rejects(collect(store.read('a/b')), failsWith('OBJECT_NOT_FOUND'))
      assert.equal(await store.remove('a'), 'absent')
      assert.deepEqual(await listAll(store), [])
    }))

  test('a removed object is gone', () =>
    withStore(async (store) => {
      await store.write('x/a', pieces(ONE))
      assert.equal(await store.remove('x/a'), 'removed')
      assert.equal(await store.remove('x/a'), 'absent')
      assert.equal(await store.find('x/a'), undefined)
      assert.deepEqual(await listAll(store), [])
    }))

  for (const name of REFUSED_NAMES) {
    test(`the name ${JSON.stringify(name.slice(0, 20))} is refused before the body is read`, () =>
      withStore(async (store) => {
        let isRead = false
        const body = (async function* () {
          isRead = true
          yield ONE
        })()
        await assert.rejects(store.write(name, body), failsWith('INVALID_REQUEST'))
        assert.equal(isRead, false)
        if (!/^\/?$|^\/|\.\.|\/\/|\/$|\.\/|\n|\0/.test(name)) return
        await assert.rejects(collect(store.read(name)), failsWith('INVALID_REQUEST'))
        await assert.rejects(store.find(name), failsWith('INVALID_REQUEST'))
        await assert.rejects(store.remove(name), failsWith('INVALID_REQUEST'))
      }))
  }
}

function testConditions({ withStore, condition }: Target): void {
  test('a write replaces, and says another version', () =>
    withStore(async (store) => {
      const first = await store.write('a', pieces(ONE))
      const second = await store.write('a', pieces(TWO))
      assert.notEqual(second.version, first.version)
      assert.equal(String(await collect(store.read('a'))), 'two')
      assert.deepEqual(await namesOf(store), ['a'])
    }))

  test('ifAbsent writes where nothing is, and else leaves what is there', () =>
    withStore(async (store) => {
      const first = await store.write('a', pieces(ONE), { ifAbsent: true })
      assert.equal(first.condition, condition)
      await assert.rejects(store.write('a', pieces(TWO), { ifAbsent: true }), failsWith('OBJECT_EXISTS'))
      assert.equal(String(await collect(store.read('a'))), 'one')
      assert.deepEqual(await unfinishedNames(store), [])
    }))

  test('of many writers with ifAbsent at once, one at most believes that it won', () =>
    withStore(async (store) => {
      const bodies = Array.from({ length: 8 }, (_, index) => Buffer.from(`body ${index}`))
      const tries = await Promise.allSettled(
        bodies.map((body) => store.write('a', pieces(body), { ifAbsent: true })),
      )
      const winners = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []))
      const content = String(await collect(store.read('a')))
      if (condition === 'atomic') {
        assert.equal(winners.length, 1)
        assert.equal(content, `body ${winners[0]}`)
      } else {
        // The last writer is the one whose body lies there; who was replaced before looking cannot know.
        assert.match(content, /^body \d$/)
      }
      for (const each of tries) {
        if (each.status === 'rejected') assert.ok(isLost(each.reason), String(each.reason))
      }
      assert.deepEqual(await unfinishedNames(store), [])
    }))

  test('ifVersion replaces that version only', () =>
    withStore(async (store) => {
      const first = await store.write('a', pieces(ONE))
      const second = await store.write('a', pieces(TWO), { ifVersion: first.version })
      const stale = store.write('a', pieces(ONE), { ifVersion: first.version })
      await assert.rejects(stale, failsWith('OBJECT_CHANGED'))
      const absent = store.write('b', pieces(ONE), { ifVersion: second.version })
      await assert.rejects(absent, failsWith('OBJECT_CHANGED'))
      assert.equal(String(await collect(store.read('a'))), 'two')
      assert.deepEqual(await namesOf(store), ['a'])
    }))

  test('another version than the asked one is not read', () =>
    withStore(async (store) => {
      const first = await store.write('a', pieces(ONE))
      assert.equal(String(await collect(store.read('a', { version: first.version }))), 'one')
      await store.write('a', pieces(TWO))
      const stale = collect(store.read('a', { version: first.version }))
      await assert.rejects(stale, failsWith('OBJECT_CHANGED'))
    }))

  test('an object that is replaced while it is read is one version or an error, never a mixture', () =>
    withStore(async (store) => {
      const [old, young] = [Buffer.alloc(3_000_000, 'o'), Buffer.alloc(3_000_000, 'y')]
      await store.write('a', pieces(old, 500_000))
      const reading = store.read('a')[Symbol.asyncIterator]()
      const chunks = [(await reading.next()).value as Uint8Array]
      await store.write('a', pieces(young, 500_000))
      const rest = await collect({ [Symbol.asyncIterator]: () => reading }).catch((error: unknown) => {
        failsWith('OBJECT_CHANGED')(error)
        return undefined
      })
      if (rest !== undefined) assert.ok(Buffer.concat([...chunks, rest]).equals(old))
    }))
}

function isLost(reason: unknown): boolean {
  return ['OBJECT_EXISTS', 'OBJECT_CHANGED'].includes((reason as { code?: string }).code ?? '')
}

function testFailures({ withStore, partsBytes, tellsStart = true }: Target): void {
  const large = Buffer.alloc(partsBytes, 'x')

  for (const [title, bytes] of [
    ['small', Buffer.from('half')],
    ['large', large],
  ] as const) {
    test(`a ${title} body that breaks leaves nothing, and its error passes as it is`, () =>
      withStore(async (store) => {
        const error = new Error('the source broke')
        await assert.rejects(store.write('a', broken(bytes, error)), (thrown) => thrown === error)
        assert.deepEqual(await listAll(store), [])
        assert.deepEqual(await unfinishedNames(store), [])
        await store.write('a', pieces(ONE))
      }))

    test(`a ${title} body that breaks leaves the object that was there`, () =>
      withStore(async (store) => {
        await store.write('a', pieces(ONE))
        await assert.rejects(store.write('a', broken(bytes, new Error('broke'))))
        assert.equal(String(await collect(store.read('a'))), 'one')
      }))

    test(`a ${title} body that keeps silent is given up at the signal`, () =>
      withStore(async (store) => {
        const controller = new AbortController()
        const reason = new Error('enough')
        const writing = store.write(
          'a',
          stuck(bytes, () => controller.abort(reason)),
          { signal: controller.signal },
        )
        await assert.rejects(writing, (thrown) => thrown === reason)
        assert.deepEqual(await listAll(store), [])
        assert.deepEqual(await unfinishedNames(store), [])
      }))
  }

  test('a body of another length than was said is refused', () =>
    withStore(async (store) => {
      for (const bytes of [0, 2, 4]) {
        await assert.rejects(store.write('a', pieces(ONE), { bytes }), failsWith('INVALID_REQUEST'))
      }
      assert.deepEqual(await listAll(store), [])
      assert.equal((await store.write('a', pieces(ONE), { bytes: 3 })).bytes, 3)
      const short = store.write('b', pieces(large, 500_000), { bytes: large.length - 1 })
      await assert.rejects(short, failsWith('INVALID_REQUEST'))
      assert.deepEqual(await namesOf(store), ['a'])
      assert.deepEqual(await unfinishedNames(store), [])
    }))

  test('an object under way is not listed, is found as unfinished and can be removed', () =>
    withStore(async (store) => {
      const started = Promise.withResolvers<void>()
      const controller = new AbortController()
      const before = Date.now()
      const writing = store.write('x/a', stuck(large, started.resolve), { signal: controller.signal })
      writing.catch(() => undefined)
      await started.promise
      // The parts that are read may still be on their way.
      while ((await unfinishedNames(store)).length === 0) assert.deepEqual(await listAll(store), [])
      assert.deepEqual(await listAll(store), [])
      assert.equal(await store.find('x/a'), undefined)
      for await (const each of store.unfinished()) {
        assert.equal(each.name, 'x/a')
        if (tellsStart) assert.ok(Math.abs(each.startedAt - before) < 60_000)
      }
      assert.equal(await removeUnfinished(store), 1)
      assert.deepEqual(await unfinishedNames(store), [])
      controller.abort()
      await assert.rejects(writing)
      assert.deepEqual(await unfinishedNames(store), [])
    }))

  test('a signal that is given already stops everything', () =>
    withStore(async (store) => {
      await store.write('a', pieces(ONE))
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      const isReason = (thrown: unknown) => thrown === reason
      await assert.rejects(store.write('b', pieces(ONE), { signal }), isReason)
      await assert.rejects(collect(store.read('a', { signal })), isReason)
      assert.deepEqual(await namesOf(store), ['a'])
    }))
}

function testLists({ withStore }: Target): void {
  test('a list is in the order of bytes and goes over pages', () =>
    withStore(async (store) => {
      const names = Array.from({ length: 23 }, (_, index) => `set/${index}`)
      const all = [...names, 'set', 'set-2', 'set.x', 'set0', 'a/b/c', 'a/b.c', 'Z'].filter(
        (name) => name !== 'set',
      )
      await Promise.all(all.map((name) => store.write(name, pieces(Buffer.from(name)))))
      const sorted = all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.deepEqual(await namesOf(store), sorted)
      for (const prefix of ['set/', 'set', 'set/1', 'a/b', 'none', 'set/22x']) {
        assert.deepEqual(
          await namesOf(store, prefix),
          sorted.filter((name) => name.startsWith(prefix)),
        )
      }
    }))
}
