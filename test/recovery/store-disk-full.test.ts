import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { describe, type TestContext, test } from 'node:test'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'

const CHILD = join(import.meta.dirname, 'store-child.ts')
const SPACE_KIB = 4 * 1024

interface Report {
  readonly committed: number
  readonly unavailable: boolean
  readonly stillRefused: boolean
  readonly readsGoOn: boolean
  readonly records: number
}

type Child = ChildProcessByStdio<Writable, Readable, null>

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-full-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function makeSmallDisk(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-full-'))
  assert.ok(mountTmpfs(folder))
  t.after(async () => {
    spawnSync('/bin/umount', [folder])
    await rmdir(folder)
  })
  return folder
}

function assertRefusedSafely(report: Report): void {
  assert.ok(report.committed > 0, 'the disk was full before the test began')
  assert.deepEqual(report, {
    committed: report.committed,
    unavailable: true,
    stillRefused: true,
    readsGoOn: true,
    records: report.committed,
  })
}

async function readLine(child: Child): Promise<string> {
  const lines = createInterface({ input: child.stdout })
  const [line] = await once(lines, 'line')
  lines.close()
  return String(line)
}

/** Everything that was answered is there when the store opens with space again. */
async function assertKept(folder: string, committed: number): Promise<void> {
  const store = await openSqliteStore({ folder })
  try {
    assert.ok((await store.readAuditHead()).size >= committed)
  } finally {
    await store.close()
  }
}

describe('a store whose medium takes no more', () => {
  test('a file that may not grow refuses writes, and reads go on', { skip: withoutUlimit() }, async (t) => {
    const folder = await makeFolder(t)
    const command = `ulimit -f ${SPACE_KIB}; exec "$0" "$@"`
    const child = spawn('bash', ['-c', command, process.execPath, CHILD, 'fill', folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const gone = once(child, 'close')
    const report: Report = JSON.parse(await readLine(child))
    assertRefusedSafely(report)
    child.stdin.end('\n')
    await gone
    await assertKept(folder, report.committed)
  })

  test('a full disk refuses writes, reads go on, and so do writes once there is space', {
    skip: withoutMount(),
  }, async (t) => {
    const folder = await makeSmallDisk(t)
    const filler = join(folder, 'filler')
    await writeFile(filler, Buffer.alloc(1024 * 1024))
    const child = spawn(process.execPath, [CHILD, 'fill', folder], { stdio: ['pipe', 'pipe', 'inherit'] })
    const gone = once(child, 'close')
    const report: Report = JSON.parse(await readLine(child))
    assertRefusedSafely(report)
    await rm(filler)
    const answer = readLine(child)
    child.stdin.end('\n')
    assert.equal(await answer, 'true')
    await gone
    await assertKept(folder, report.committed)
  })

  test('a folder that may not be written does not open', { skip: withoutOtherUser() }, async (t) => {
    const folder = await makeFolder(t)
    const { stdout } = spawnSync(process.execPath, [CHILD, 'open-as-nobody', folder], { encoding: 'utf8' })
    assert.equal(stdout.trim(), 'STORE_UNAVAILABLE')
  })
})

function withoutUlimit(): string | false {
  return process.platform === 'win32' ? 'Windows has no ulimit' : false
}

function withoutOtherUser(): string | false {
  return process.getuid?.() === 0 ? false : 'only root can become another user'
}

function mountTmpfs(folder: string): boolean {
  return spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${SPACE_KIB}k`, 'tmpfs', folder]).status === 0
}

function withoutMount(): string | false {
  if (process.getuid?.() !== 0) return 'only root can mount a small disk'
  const probe = mkdtempSync(join(tmpdir(), 'coffre-full-'))
  const mounted = mountTmpfs(probe)
  if (mounted) spawnSync('/bin/umount', [probe])
  rmdirSync(probe)
  return mounted ? false : 'this machine does not let root mount a tmpfs'
}
