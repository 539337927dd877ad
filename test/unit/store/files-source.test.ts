import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { SourceCounts } from '../../../src/store/backup-source.ts'
import { filesSource } from '../../../src/store/source/files/files-source.ts'
import { filesTarget, type FilesTargetOptions } from '../../../src/store/source/files/files-target.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

const { signal } = new AbortController()

type Change = (bytesSoFar: number) => void

/** Backs up and restores in one stream; `onPiece` may change what is being read. */
async function copy(
  paths: readonly string[],
  options: FilesTargetOptions,
  onPiece: Change = () => undefined,
): Promise<{ readonly read: SourceCounts; readonly written: SourceCounts }> {
  const source = filesSource({ paths })
  const target = filesTarget(options)
  await target.prepare(await source.describe())
  let bytes = 0
  const plaintext = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of source.read(signal)) {
      onPiece((bytes += piece.length))
      yield piece
    }
  }
  const written = await target.receive(plaintext(), signal)
  await target.commit()
  return { read: source.counts(), written }
}

function plantTree(folder: string): void {
  mkdirSync(join(folder, 'sub', 'deeper'), { recursive: true })
  writeFileSync(join(folder, 'a.txt'), 'abc')
  writeFileSync(join(folder, 'empty'), '')
  writeFileSync(join(folder, 'sub', 'big'), Buffer.alloc(700_001, 'x'))
  writeFileSync(join(folder, 'sub', 'deeper', 'run.sh'), '#!/bin/sh\n', { mode: 0o750 })
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0xfe, 0x0a)]), 'no UTF-8')
  utimesSync(join(folder, 'a.txt'), 1_000_000_000, 1_000_000_000)
  chmodSync(join(folder, 'sub'), 0o550)
  utimesSync(join(folder, 'sub'), 1_100_000_000, 1_100_000_000)
}

describe('files and folders that are backed up', () => {
  test('come back to the byte, with mode and time', async (t) => {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(from)
    plantTree(from)
    const { read, written } = await copy([from], { folder: join(place, 'to'), id: 'a1' })
    assert.deepEqual(read, { files: 5, folders: 2, leftOut: 0, bytes: 700_022, changed: 0 })
    assert.deepEqual(written, read)
    execFileSync('diff', ['-r', from, join(place, 'to')])
    const sub = statSync(join(place, 'to', 'sub'))
    assert.deepEqual([sub.mode & 0o777, sub.mtimeMs], [0o550, 1_100_000_000_000])
    assert.equal(statSync(join(place, 'to', 'sub', 'deeper', 'run.sh')).mode & 0o777, 0o750)
    assert.equal(statSync(join(place, 'to', 'a.txt')).mtimeMs, 1_000_000_000_000)
  })

  test('may be several, each under its own name', async (t) => {
    const place = makeFolder(t)
    mkdirSync(join(place, 'z'))
    writeFileSync(join(place, 'z', 'in'), 'in')
    writeFileSync(join(place, 'b'), 'b')
    await copy([join(place, 'z'), join(place, 'b')], { folder: join(place, 'to'), id: 'a1' })
    assert.deepEqual(readdirSync(join(place, 'to')), ['b', 'z'])
    assert.equal(readFileSync(join(place, 'to', 'z', 'in'), 'utf8'), 'in')
    await copy([join(place, 'b')], { folder: join(place, 'one'), id: 'a1' })
    assert.deepEqual(readdirSync(join(place, 'one')), ['b'])
  })

  test('leave out links, pipes and sockets, and count them', async (t) => {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(from)
    writeFileSync(join(place, 'secret'), 'outside')
    symlinkSync('../secret', join(from, 'link'))
    symlinkSync('.', join(from, 'loop'))
    execFileSync('mkfifo', [join(from, 'pipe')])
    const server = createServer().listen(join(from, 'socket'))
    t.after(() => server.close())
    await new Promise((ready) => server.once('listening', ready))
    const { read } = await copy([from], { folder: join(place, 'to'), id: 'a1' })
    assert.deepEqual(read, { files: 0, folders: 0, leftOut: 4, bytes: 0, changed: 0 })
    assert.deepEqual(readdirSync(join(place, 'to')), [])
  })

  test('are refused as a link, as nothing, and with one name twice', async (t) => {
    const place = makeFolder(t)
    symlinkSync('/etc', join(place, 'link'))
    mkdirSync(join(place, 'a', 'same'), { recursive: true })
    mkdirSync(join(place, 'same'))
    const wrong = [
      [join(place, 'link')],
      [join(place, 'none')],
      [],
      [join(place, 'same'), join(place, 'a', 'same')],
    ]
    for (const paths of wrong)
      await assert.rejects(filesSource({ paths }).describe(), failsWith('BACKUP_SOURCE_FAILED'))
  })
})

describe('a file that changes while it is read', () => {
  const SIZE = 1_000_000

  async function copyChanging(
    t: Parameters<typeof makeFolder>[0],
    change: (file: string, time: number) => void,
  ) {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(from)
    const file = join(from, 'log')
    writeFileSync(file, Buffer.alloc(SIZE, 'x'))
    let times = 0
    const onPiece = (): void => change(file, (times += 1))
    const counts = await copy([from], { folder: join(place, 'to'), id: 'a1' }, onPiece)
    return { ...counts, before: readFileSync(file), after: readFileSync(join(place, 'to', 'log')) }
  }

  test('once, is read again', async (t) => {
    const { read, written, before, after } = await copyChanging(t, (file, time) => {
      if (time === 2) writeFileSync(file, Buffer.alloc(SIZE + 5, 'y'))
    })
    assert.equal(read['changed'], 0)
    assert.deepEqual(written, read)
    assert.ok(before.equals(after))
  })

  test('all the time, is kept as far as it was read, and counted', async (t) => {
    const { read, written, after } = await copyChanging(t, (file) => appendFileSync(file, 'line\n'))
    assert.equal(read['changed'], 1)
    assert.deepEqual(written, read)
    assert.equal(
      after.subarray(0, SIZE).every((byte) => byte === 0x78),
      true,
    )
  })

  test('and becomes shorter every time, has no zeros at its end', async (t) => {
    const { read, after } = await copyChanging(t, (file, time) =>
      truncateSync(file, Math.max(1, SIZE >> time)),
    )
    assert.equal(after.includes(0), false)
    assert.equal(read['bytes'], after.length)
  })

  test('and goes away, is counted', async (t) => {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(from)
    for (const name of ['a', 'b']) writeFileSync(join(from, name), Buffer.alloc(SIZE))
    const { read } = await copy([from], { folder: join(place, 'to'), id: 'a1' }, () => {
      if (existsSync(join(from, 'b'))) execFileSync('rm', [join(from, 'b')])
    })
    assert.deepEqual(read, { files: 1, folders: 0, leftOut: 1, bytes: SIZE, changed: 0 })
  })
})

describe('a folder that files are restored to', () => {
  test('is not replaced unasked; asked, the old one is kept', async (t) => {
    const place = makeFolder(t)
    const [from, to] = [join(place, 'from'), join(place, 'to')]
    mkdirSync(from)
    plantTree(from)
    mkdirSync(to)
    await copy([from], { folder: to, id: 'a1' })
    await assert.rejects(copy([from], { folder: to, id: 'a2' }), failsWith('RESTORE_REFUSED'))
    writeFileSync(join(to, 'mine'), 'mine')
    await copy([from], { folder: to, id: 'a3', replace: true })
    assert.equal(existsSync(join(to, 'mine')), false)
    assert.equal(readFileSync(join(place, 'to.before_a3', 'mine'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(place).toSorted(), ['from', 'to', 'to.before_a3'])
  })

  test('may get one file, or one folder, and nothing else', async (t) => {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(from)
    plantTree(from)
    const one = { folder: join(place, 'one'), id: 'a1', only: 'sub/big' }
    assert.deepEqual((await copy([from], one)).written, { files: 1, folders: 0, bytes: 700_001, changed: 0 })
    assert.deepEqual(readdirSync(one.folder, { recursive: true }), ['sub', 'sub/big'])
    const some = { folder: join(place, 'some'), id: 'a1', only: '/sub/deeper/' }
    assert.deepEqual((await copy([from], some)).written, { files: 1, folders: 1, bytes: 10, changed: 0 })
    const none = { folder: join(place, 'none'), id: 'a1', only: 'sub/bi' }
    await assert.rejects(copy([from], none), failsWith('RESTORE_REFUSED'))
    assert.equal(existsSync(none.folder), false)
  })

  test('reads no further than the file or folder that is wanted', async (t) => {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(join(from, 'a', 'b'), { recursive: true })
    chmodSync(join(from, 'a'), 0o750)
    writeFileSync(join(from, 'a', 'b', 'wanted'), 'first')
    for (const name of ['c', 'd']) writeFileSync(join(from, name), Buffer.alloc(1_000_000, name))
    for (const [id, only] of Object.entries({ file: 'a/b/wanted', folder: 'a' })) {
      let last = 0
      const target = { folder: join(place, id), id: 'a1', only }
      await copy([join(from, 'a'), join(from, 'c'), join(from, 'd')], target, (bytes) => {
        last = bytes
      })
      assert.ok(last < 400_000, String(last))
      assert.equal(readFileSync(join(target.folder, 'a', 'b', 'wanted'), 'utf8'), 'first')
      assert.equal(statSync(join(target.folder, 'a')).mode & 0o777, 0o750)
    }
  })

  test('is refused as a file or a link, and without space', async (t) => {
    const place = makeFolder(t)
    writeFileSync(join(place, 'file'), '')
    symlinkSync(place, join(place, 'link'))
    for (const name of ['file', 'link']) {
      const target = filesTarget({ folder: join(place, name), id: 'a1', replace: true })
      await assert.rejects(target.prepare({}), failsWith('RESTORE_REFUSED'))
    }
    const full = filesTarget({ folder: join(place, 'to'), id: 'a1' })
    await assert.rejects(full.prepare({ bytes: 2 ** 52 }), failsWith('RESTORE_REFUSED'))
  })

  const noProc = process.platform === 'linux' ? false : 'only Linux has /proc, which is always a mount point'
  test('is refused as a mount point, before anything is read', { skip: noProc }, async () => {
    const mounted = '/proc'
    const target = filesTarget({ folder: mounted, id: 'a1', replace: true })
    const reason = 'the target is a mount point: name a folder in it'
    await assert.rejects(target.prepare({}), { code: 'RESTORE_REFUSED', facts: { reason, target: mounted } })
  })

  test('has its name again when nothing can take its place', async (t) => {
    const place = makeFolder(t)
    const folder = join(place, 'to')
    mkdirSync(folder)
    writeFileSync(join(folder, 'mine'), 'mine')
    const target = filesTarget({ folder, id: 'a1', replace: true })
    await target.prepare({})
    await assert.rejects(target.commit(), failsWith('RESTORE_FAILED'))
    assert.deepEqual(readdirSync(folder), ['mine'])
  })

  test('is as it was after a restore that was stopped', async (t) => {
    const place = makeFolder(t)
    const from = join(place, 'from')
    mkdirSync(from)
    plantTree(from)
    const stop = new AbortController()
    const target = filesTarget({ folder: join(place, 'to'), id: 'a1' })
    await target.prepare({})
    const source = filesSource({ paths: [from] })
    const plaintext = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of source.read(signal)) {
        yield piece
        stop.abort()
      }
    }
    await assert.rejects(target.receive(plaintext(), stop.signal), { name: 'AbortError' })
    await target.abandon()
    assert.deepEqual(readdirSync(place), ['from'])
  })
})
