import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { openAuditLog, openCoffre, serve } from '../../src/app.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { failsWith, makeFolder } from '../temporary.ts'
import { checkWhole, NEEDS_ROOT, only, REFUSED, startServer, withoutImmutable } from './disk-server.ts'

/*
 * A file system cannot be remounted read-only while a server has its database open: the kernel answers EBUSY, for a bind
 * mount as well. It becomes so by itself, when ext4 meets an error; `-o abort` is that error on demand.
 */
const IMAGE_BYTES = 32 * 1024 * 1024

describe('a read-only file system', { skip: NEEDS_ROOT || withoutExt4() }, () => {
  test('that became so under a running server: writes are refused, reads go on, and nothing answered is lost', async (t) => {
    const disk = mountDisk(t)
    const { child, ask } = await startServer(join(disk.folder, 'coffre'))
    t.after(() => child.kill('SIGKILL'))
    const healthy = await ask(200)
    assert.deepEqual(only(healthy, 'ok', 200), Object.keys(REFUSED))
    run('mount', '-o', 'remount,abort', disk.folder)
    assert.throws(() => writeFileSync(join(disk.folder, 'probe'), 'x'), { code: 'EROFS' })
    const failing = await ask(503)
    assert.deepEqual(failing, { ...REFUSED, versions: healthy['versions'] })
    assert.deepEqual(await ask(503), failing)
    const gone = once(child, 'exit')
    child.stdin?.end()
    await gone
    disk.repair()
    await checkWhole(join(disk.folder, 'coffre'))
    const again = await openCoffre({ dataDir: join(disk.folder, 'coffre') })
    const { versions } = await again.keys.get('k')
    await again.close()
    assert.equal(
      versions.length,
      healthy['versions'],
      'an acknowledged rotation is lost, or a refused one happened',
    )
  })

  test('at start: nothing opens, with a code that says why, and afterwards everything does', async (t) => {
    const disk = mountDisk(t)
    const dataDir = join(disk.folder, 'coffre')
    const coffre = await openCoffre({ dataDir, createIfMissing: true })
    await coffre.keys.create({ name: 'k' })
    await coffre.close()
    run('mount', '-o', 'remount,ro', disk.folder)
    const listen = { host: '127.0.0.1', port: 0, logLevel: 'silent' }
    for (const open of [
      () => openCoffre({ dataDir }),
      () => openAuditLog({ dataDir }),
      () => serve({ dataDir, ...listen }),
    ]) {
      await assert.rejects(open(), readsOnly)
    }
    const nowhere = openCoffre({ dataDir: join(disk.folder, 'new'), createIfMissing: true })
    await assert.rejects(nowhere, failsWith('STORE_UNAVAILABLE'))
    run('mount', '-o', 'remount,rw', disk.folder)
    await checkWhole(dataDir)
  })
})

test('a database file that may not be changed does not open, and does once it may', {
  skip: NEEDS_ROOT || withoutImmutable(),
}, async (t) => {
  const dataDir = makeFolder(t)
  const coffre = await openCoffre({ dataDir, createIfMissing: true })
  await coffre.keys.create({ name: 'k' })
  await coffre.close()
  const path = join(dataDir, 'coffre.db')
  run('chattr', '+i', path)
  try {
    await assert.rejects(openCoffre({ dataDir }), failsWith('STORE_UNAVAILABLE'))
  } finally {
    run('chattr', '-i', path)
  }
  await checkWhole(dataDir)
})

function readsOnly(error: unknown): true {
  failsWith('STORE_UNAVAILABLE')(error)
  assert.ok(error instanceof CoffreError)
  assert.equal(error.facts['reason'], 'EROFS')
  return true
}

interface Disk {
  readonly folder: string
  /** Mounts it again, as an administrator does after such an error. */
  readonly repair: () => void
}

function mountDisk(t: TestContext): Disk {
  const place = makeFolder(t)
  const [image, folder] = [join(place, 'image'), join(place, 'disk')]
  writeFileSync(image, '')
  truncateSync(image, IMAGE_BYTES)
  mkdirSync(folder)
  run('mkfs.ext4', '-q', image)
  const mount = () => run('mount', '-o', 'loop,errors=remount-ro', image, folder)
  mount()
  t.after(() => void spawnSync('umount', ['-l', folder]))
  const repair = () => {
    run('umount', folder)
    // 1: errors were found and corrected, among them the one that we made.
    assert.equal(spawnSync('e2fsck', ['-p', image]).status, 1)
    mount()
  }
  return { folder, repair }
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`)
}

function withoutExt4(): string | false {
  const probe = mkdtempSync(join(tmpdir(), 'coffre-disk-'))
  const [image, folder] = [join(probe, 'image'), join(probe, 'disk')]
  writeFileSync(image, '')
  truncateSync(image, IMAGE_BYTES)
  mkdirSync(folder)
  const isMounted =
    spawnSync('mkfs.ext4', ['-q', image]).status === 0 &&
    spawnSync('mount', ['-o', 'loop', image, folder]).status === 0
  if (isMounted) spawnSync('umount', [folder])
  rmSync(probe, { recursive: true })
  return isMounted ? false : 'this machine cannot mount an ext4 image'
}
