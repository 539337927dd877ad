import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { after, describe, test } from 'node:test'
import { collect, namesOf, pieces, removeUnfinished, unfinishedNames } from '../conformance/object/sample.ts'
import { makeBucket, openBucket } from '../conformance/object/s3-target.ts'
import { type Fault, FaultyProxy } from '../faulty-proxy.ts'
import { NO_MOTO, startMoto } from '../moto-server.ts'
import { failsWith } from '../temporary.ts'

const PART = 50_000
/** One part, and several. */
const BODIES = [randomBytes(1_000), randomBytes(3 * PART + 1_000)] as const
const isUnavailable = failsWith('OBJECT_STORE_UNAVAILABLE')

describe('a bucket behind a bad network', { skip: NO_MOTO }, async () => {
  if (NO_MOTO !== false) return
  const server = await startMoto({ after })
  const proxy = await FaultyProxy.start({ after }, server.port)

  async function openBoth(attempts: number) {
    const bucket = await makeBucket(server)
    const common = { bucket, partBytes: () => PART, timeoutMs: 10_000 }
    const direct = openBucket(server, common)
    const faulty = openBucket(server, { ...common, port: proxy.port, attempts })
    const close = () => Promise.all([direct.close(), faulty.close()])
    return { direct, faulty, close }
  }

  for (const body of BODIES) {
    test(`that goes at request n of a write, for every n: ${body.length} bytes`, async (t) => {
      let number = 1
      for (; ; number += 1) {
        for (const fault of ['before', 'half', 'after'] as const) {
          const { direct, faulty, close } = await openBoth(1)
          // After the fault nothing passes any more.
          proxy.arm((at) => (at < number ? undefined : at === number ? fault : 'before'))
          const written = await faulty
            .write('a', pieces(body), { ifAbsent: true })
            .catch((error: unknown) => {
              isUnavailable(error)
              return undefined
            })
          if (written !== undefined && proxy.faults === 0)
            return t.diagnostic(`cases: ${number - 1} requests`)
          const names = await namesOf(direct)
          if (names.length > 0)
            assert.ok((await collect(direct.read('a'))).equals(body), 'a half object is listed')
          assert.deepEqual(names.length > 0 || written === undefined, true)
          await removeUnfinished(direct)
          assert.deepEqual(await unfinishedNames(direct), [])
          await direct.write('a', pieces(body))
          assert.ok((await collect(direct.read('a'))).equals(body))
          await close()
        }
      }
    })

    for (const fault of ['before', 'half', 'after', 'busy'] as const) {
      test(`one request of a write fails (${fault}), for every one, and the write is done: ${body.length} bytes`, async (t) => {
        let number = 1
        for (; ; number += 1) {
          const { direct, faulty, close } = await openBoth(4)
          proxy.arm((at) => (at === number ? fault : undefined))
          const written = await faulty.write('a', pieces(body), { ifAbsent: true })
          assert.equal(written.condition, 'atomic')
          assert.ok((await collect(direct.read('a'))).equals(body))
          const left = await unfinishedNames(direct)
          // A create whose answer was lost began an upload whose name only the server knows.
          assert.ok(left.length <= (fault === 'after' || fault === 'half' ? 1 : 0), left.join(', '))
          await close()
          if (proxy.faults === 0) return t.diagnostic(`cases: ${number - 1} requests`)
        }
      })
    }
  }

  test('an error that comes after 200 is an error', async () => {
    const { direct, faulty, close } = await openBoth(1)
    proxy.arm((_, request) => (isCompletion(request) ? 'late error' : undefined))
    await assert.rejects(faulty.write('a', pieces(BODIES[1])), isUnavailable)
    assert.deepEqual([await namesOf(direct), await unfinishedNames(direct)], [[], []])
    await close()
  })

  test('a server that stays busy is given up, and nothing is left', async () => {
    const { direct, faulty, close } = await openBoth(3)
    const isBusy = (at: number, { method }: IncomingMessage): Fault | undefined =>
      method === 'PUT' && at > 2 ? 'busy' : undefined
    proxy.arm(isBusy)
    await assert.rejects(faulty.write('a', pieces(BODIES[1])), isUnavailable)
    assert.deepEqual([await namesOf(direct), await unfinishedNames(direct)], [[], []])
    await close()
  })

  test('a read goes on where its line was cut, with the same version', async () => {
    const { direct, faulty, close } = await openBoth(1)
    await direct.write('a', pieces(BODIES[1]))
    proxy.arm((_, { method }) => (method === 'GET' && proxy.faults < 4 ? 'cut' : undefined))
    assert.ok((await collect(faulty.read('a'))).equals(BODIES[1]))
    assert.equal(proxy.faults, 4)
    // Replaced while the line is cut: what comes would be of another version.
    proxy.arm((at, { method }) => (method === 'GET' && at === 2 ? 'cut' : undefined))
    const mixed = (async () => {
      for await (const _ of faulty.read('a')) await direct.write('a', pieces(BODIES[0]))
    })()
    await assert.rejects(mixed, failsWith('OBJECT_CHANGED'))
    await direct.write('a', pieces(BODIES[1]))
    for (let number = 1; number <= 2; number += 1) {
      proxy.arm((at) => (at === number ? 'busy' : undefined))
      await assert.rejects(collect(faulty.read('a')), isUnavailable)
    }
    await close()
  })
})

function isCompletion({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.includes('uploadId=')
}
