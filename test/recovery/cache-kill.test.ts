import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openCache } from '../../src/app-cache.ts'
import { daysBetween } from '../../src/model/cache-name.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { makeFolder, openTemporary } from '../temporary.ts'

const CHILD = join(import.meta.dirname, 'cache-child.ts')
const [SECRET, NEW_SECRET] = ['demo-client-secret-5f2d9c7b1e', 'another-client-secret']
const NAMES = daysBetween('2024-01-01', '2024-01-30').map((day) => `consumption:daily:12345678901234:${day}`)
/** Of about 95 changes that a walk over 30 entries makes: the first, some in the middle, one of the last. */
const KILLED_AFTER = [1, 31, 61, 90]

interface Ended {
  readonly killed: boolean
  readonly lines: readonly Record<string, unknown>[]
}

describe('a process that dies in the middle of work on a cache', { skip: NO_REDIS }, async () => {
  if (NO_REDIS !== false) return
  const server = await startRedis({ after })
  const folder = makeFolder({ after })
  await (await openTemporary({ after }, { dataDir: folder })).close()
  const cache = await openCache({ url: server.url })
  after(() => cache.close())

  function run(job: string, killAfter: number, secrets = [SECRET, NEW_SECRET]): Ended {
    const args = [CHILD, server.url, folder, job, String(killAfter), ...secrets]
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    assert.ok(status === 0 || signal === 'SIGKILL', stderr)
    const lines = stdout.split('\n').filter(Boolean)
    return { killed: signal === 'SIGKILL', lines: lines.map((line) => JSON.parse(line)) }
  }

  async function write(): Promise<void> {
    server.ask('flushall')
    for (const name of NAMES) assert.equal(await cache.set(name, name, SECRET), true)
  }

  /** How many entries of format 1 each of the two secrets opens. */
  async function countOpened(): Promise<readonly number[]> {
    const counts = [0, 0]
    for (const name of NAMES) {
      const values = await Promise.all([SECRET, NEW_SECRET].map((secret) => cache.lookup(name, secret)))
      for (const [index, value] of values.entries()) {
        if (value.status !== 'HIT') continue
        assert.equal(value.value, name)
        counts[index] = (counts[index] ?? 0) + 1
      }
    }
    return counts
  }

  test('a rekey loses no entry, and ends when it is run again', async () => {
    let killed = 0
    for (const killAfter of KILLED_AFTER) {
      await write()
      killed += Number(run('rekey', killAfter).killed)
      const [old = 0, renewed = 0] = await countOpened()
      assert.equal(old + renewed, NAMES.length, `killed after ${killAfter}`)
      const { lines } = run('rekey', 0)
      assert.equal(lines[0]?.['tampered'], 0)
      assert.deepEqual(await countOpened(), [0, NAMES.length])
    }
    assert.ok(killed >= KILLED_AFTER.length / 2, `${killed} of ${KILLED_AFTER.length} runs were killed`)
  })

  test('a migration there and back loses no entry, and ends when it is run again', async () => {
    let killed = 0
    for (const killAfter of KILLED_AFTER) {
      await write()
      killed += Number(run('v2', killAfter).killed)
      run('v2', 0)
      assert.deepEqual(await countOpened(), [0, 0])
      assert.equal(countOwn(), NAMES.length, `killed after ${killAfter}`)
      killed += Number(run('v1', killAfter).killed)
      run('v1', 0)
      assert.deepEqual(await countOpened(), [NAMES.length, 0])
      assert.equal(countOwn(), 0)
    }
    assert.ok(killed >= KILLED_AFTER.length, `${killed} of ${KILLED_AFTER.length * 2} runs were killed`)
  })

  test('an erasure leaves nothing once it is run again', async () => {
    for (const killAfter of [2]) {
      await write()
      run('v2', 0)
      run('erase', killAfter)
      run('erase', 0)
      assert.equal(server.ask('--scan', '--pattern', 'coffre:cache:{u-1}*'), '')
      const status = run('status', 0).lines.at(-1)?.['status']
      assert.deepEqual(status, { user: 'u-1', hasKey: false, underSecret: false, names: 'plain', entries: 0 })
    }
  })

  function countOwn(): number {
    return server.ask('--scan', '--pattern', 'coffre:cache:{u-1}:e:*').split('\n').filter(Boolean).length
  }
})
