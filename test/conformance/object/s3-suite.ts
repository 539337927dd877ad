import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../src/model/secret.ts'
import type { S3Server } from '../../s3-server.ts'
import { failsWith } from '../../temporary.ts'
import { collect, listAll, namesOf, pieces } from './sample.ts'
import { makeBucket, openBucket } from './s3-target.ts'
import { type Target, testObjectStore } from './suite.ts'

export interface S3Target extends Pick<Target, 'condition' | 'tellsStart'> {
  /** The smallest part that the server takes. */
  readonly partBytes: number
}

const HOUR_MS = 3_600_000

/** What a bucket of every server must do. */
export function testS3Store(server: S3Server, { partBytes, ...target }: S3Target): void {
  testObjectStore({
    ...target,
    partsBytes: 3 * partBytes + 1_000,
    withStore: async (work) => {
      const bucket = await makeBucket(server)
      const store = openBucket(server, {
        bucket,
        pageSize: 7,
        partBytes: () => partBytes,
      })
      try {
        await work(store)
      } finally {
        await store.close()
      }
    },
  })

  test('below a prefix only what is below it is seen and removed', async () => {
    const bucket = await makeBucket(server)
    const inner = openBucket(server, { bucket, prefix: 'in/ner/' })
    const outer = openBucket(server, { bucket })
    await outer.write('in/other', pieces(Buffer.from('one')))
    await inner.write('a', pieces(Buffer.from('two')))
    assert.deepEqual(await namesOf(inner), ['a'])
    assert.deepEqual(await namesOf(outer), ['in/ner/a', 'in/other'])
    assert.equal(String(await collect(outer.read('in/ner/a'))), 'two')
    assert.equal(await inner.remove('other'), 'absent')
    await Promise.all([inner.close(), outer.close()])
  })

  for (const [title, wrong] of [
    [
      'secret',
      {
        accessKeyId: server.accessKeyId,
        secretAccessKey: new Secret('wrong-secret'),
      },
    ],
    [
      'access key',
      {
        accessKeyId: 'nobody',
        secretAccessKey: new Secret(server.secretAccessKey),
      },
    ],
  ] as const) {
    test(`a wrong ${title} is refused everywhere, and no error holds it`, async () => {
      const bucket = await makeBucket(server)
      const store = openBucket(server, { bucket, credentials: wrong })
      for (const work of everything(store)) {
        await assert.rejects(work(), (error) => {
          assert.ok(!JSON.stringify([error, String((error as Error).cause)]).includes('wrong-secret'))
          return failsWith('OBJECT_STORE_REFUSED')(error)
        })
      }
      await store.close()
    })
  }

  test('a clock that is two hours wrong is told as such, or put right by the answer of the server', async (t) => {
    const bucket = await makeBucket(server)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 2 * HOUR_MS })
    const store = openBucket(server, { bucket })
    const done = await store.write('a', pieces(Buffer.from('one'))).then(
      () => 'done',
      (error: unknown) => failsWith('OBJECT_STORE_REFUSED')(error) && 'refused',
    )
    t.mock.timers.reset()
    t.diagnostic(`the write was ${done}`)
    await store.close()
    const other = openBucket(server, { bucket })
    assert.deepEqual(await namesOf(other), done === 'done' ? ['a'] : [])
    await other.close()
  })

  test('a bucket that is not there is told as such', async () => {
    const store = openBucket(server, { bucket: 'there-is-no-such-bucket' })
    for (const work of everything(store)) await assert.rejects(work(), failsWith('BUCKET_NOT_FOUND'))
    await store.close()
  })

  test('a private bucket gives no warning of readers', async (t) => {
    const store = openBucket(server, { bucket: await makeBucket(server) })
    const warnings = await store.warnings()
    t.diagnostic(`warnings: ${warnings.join(', ') || 'none'}`)
    assert.ok(!warnings.includes('readable-by-others') && !warnings.includes('writable-by-others'))
    assert.ok(!warnings.includes('plain-http') && !warnings.includes('keeps-versions'))
    await store.close()
  })
}

function everything(store: ReturnType<typeof openBucket>): readonly (() => Promise<unknown>)[] {
  return [
    () => store.write('a', pieces(Buffer.from('one'))),
    () => store.write('a', pieces(Buffer.from('one')), { ifAbsent: true }),
    () => collect(store.read('a')),
    () => store.find('a'),
    () => store.remove('a'),
    () => listAll(store),
    () => store.warnings(),
    async () => {
      for await (const each of store.unfinished()) assert.fail(each.name)
    },
  ]
}
