import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { makeFolder } from '../temporary.ts'
import {
  checkWhole,
  NEEDS_ROOT,
  only,
  type Outcomes,
  REFUSED,
  startServer,
  without,
  withoutImmutable,
} from './disk-server.ts'

const DISK_KIB = 8 * 1024

interface Fault {
  readonly title: string
  readonly skip: string | false
  /** Where it differs from `REFUSED`. */
  readonly also?: Outcomes
  readonly makeFolder?: (t: TestContext) => string
  /** Answers how to take it away again. */
  readonly apply: (child: ChildProcess, folder: string) => Promise<() => Promise<void>>
}

const FAULTS: readonly Fault[] = [
  {
    title: 'a full disk',
    skip: NEEDS_ROOT || withoutMount(),
    makeFolder: makeSmallDisk,
    apply: async (_, folder) => {
      const filler = join(folder, 'filler')
      fillDisk(filler)
      return async () => rmSync(filler)
    },
  },
  {
    title: 'a limit on the size of files',
    skip: NEEDS_ROOT || without('prlimit', 'util-linux'),
    apply: async ({ pid }) => {
      const limit = (bytes: string) => spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`])
      assert.equal(limit('4096:unlimited').status, 0)
      return async () => void limit('unlimited:unlimited')
    },
  },
  {
    title: 'a file system that has become read-only',
    skip: NEEDS_ROOT || without('strace', 'strace'),
    apply: (child) => inject(child, 'pwrite64,ftruncate:error=EROFS'),
  },
  {
    // Linux refuses writes through descriptors that are open, too. Not of -shm, which is memory: who takes that away
    // ends the process with SIGBUS.
    title: 'a database whose files may not be changed',
    skip: NEEDS_ROOT || withoutImmutable(),
    apply: async (child, folder) => {
      const database = join(folder, 'coffre')
      const files = [database, join(database, 'coffre.db'), join(database, 'coffre.db-wal')]
      const mark = (sign: '+' | '-') => spawnSync('chattr', [`${sign}i`, ...files])
      assert.equal(mark('+').status, 0)
      child.once('exit', () => mark('-'))
      return async () => assert.equal(mark('-').status, 0)
    },
  },
  {
    title: 'fsync that fails',
    // Verifying ends with one transaction, and none begins before the log is known to be on the disk.
    also: { verify: 'STORE_UNAVAILABLE' },
    skip: NEEDS_ROOT || without('strace', 'strace'),
    apply: (child) => inject(child, 'fsync,fdatasync:error=EIO'),
  },
]

describe('while nothing can be written', () => {
  for (const { title, skip, also, makeFolder: make = makeFolder, apply } of FAULTS) {
    test(`${title}: writes and data operations are refused, the rest goes on, and so do they afterwards`, {
      skip,
    }, async (t) => {
      const folder = make(t)
      const dataDir = join(folder, 'coffre')
      const { child, ask } = await startServer(dataDir)
      t.after(() => child.kill('SIGKILL'))
      const healthy = await ask(200)
      assert.deepEqual(only(healthy, 'ok', 200), Object.keys(REFUSED))
      const remove = await apply(child, folder)
      const failing = await ask(503)
      const again = await ask(503)
      await remove()
      assert.deepEqual(failing, { ...REFUSED, ...also, versions: healthy['versions'] })
      assert.deepEqual(again, failing)
      const recovered = await ask(200)
      assert.deepEqual(only(recovered, 'ok', 200), Object.keys(REFUSED))
      assert.equal(recovered['versions'], Number(healthy['versions']) + 1, 'a refused rotation happened')
      child.stdin?.end()
      await once(child, 'exit')
      await checkWhole(dataDir)
    })
  }
})

/** Lets system calls of a running process fail until the answered function is called. */
async function inject({ pid }: ChildProcess, fault: string): Promise<() => Promise<void>> {
  const calls = fault.slice(0, fault.indexOf(':'))
  const args = ['-f', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${fault}`, '-o', '/dev/null']
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const line of createInterface({ input: strace.stderr })) if (line.includes('attached')) break
  return async () => {
    const gone = once(strace, 'exit')
    strace.kill('SIGINT')
    await gone
  }
}

function fillDisk(path: string): void {
  for (const bytes of [64 * 1024, 512]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(bytes))
    } catch {
      // Full, to pieces of this size.
    }
  }
}

function makeSmallDisk(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-disk-'))
  assert.ok(mountSmallDisk(folder))
  t.after(() => {
    spawnSync('/bin/umount', ['-l', folder])
    rmdirSync(folder)
  })
  return folder
}

function mountSmallDisk(folder: string): boolean {
  return spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${DISK_KIB}k`, 'tmpfs', folder]).status === 0
}

function withoutMount(): string | false {
  const probe = mkdtempSync(join(tmpdir(), 'coffre-disk-'))
  const isMounted = mountSmallDisk(probe)
  if (isMounted) spawnSync('/bin/umount', [probe])
  rmdirSync(probe)
  return isMounted ? false : 'this machine does not let root mount a tmpfs'
}
