import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { filesTarget, type FilesTargetOptions } from '../../src/store/source/files/files-target.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { makeFolder } from '../temporary.ts'

const { signal } = new AbortController()
const ID = 'a1'

const HEAD = '636f666672652d66696c657300000001'
const ROOT = '01000001ed00000000000000000000018bcfe56800'
const UP = '04'
const hex = (text: string): string => Buffer.from(text).toString('hex')
const u16 = (value: number): string => value.toString(16).padStart(4, '0')
const u64 = (value: number | bigint): string => BigInt(value).toString(16).padStart(16, '0')
const named = (name: string): string => u16(name.length / 2) + name

interface Details {
  readonly mode?: string
  readonly time?: string
  readonly size?: string
  readonly state?: string
  readonly length?: string
}

const attributes = ({ mode = '01a4', time = '0000018bcfe56800' }: Details): string =>
  `${mode}000003e8000003e8${time}`

/** Names and contents in hexadecimal. */
function file(name: string, content = hex('abc'), details: Details = {}): string {
  const size = u64(content.length / 2)
  const end = (details.state ?? '00') + (details.length ?? size)
  return `02${named(name)}${attributes(details)}${details.size ?? size}${content}${end}`
}
const folder = (name: string, details: Details = {}): string =>
  `01${named(name)}${attributes({ mode: '01ed', ...details })}`
const leftOut = (name: string, reason = '01'): string => `03${named(name)}${reason}`
const end = (files: number, folders: number, left: number, bytes: number | bigint): string =>
  `00${u64(files)}${u64(folders)}${u64(left)}${u64(bytes)}`

const A = hex('a')
const GOOD =
  HEAD + ROOT + file(hex('a.txt')) + folder(hex('sub')) + leftOut(hex('lnk')) + UP + UP + end(1, 1, 1, 3)
/** The example of docs/spec/backup-files.md, without spaces and comments. */
const EXAMPLE = readFileSync('docs/spec/backup-files.md', 'utf8')
  .split('```')[1]
  ?.split('\n')
  .map((line) => line.replace(/#.*/, '').replaceAll(' ', ''))
  .join('')

const around = (...records: readonly string[]): string => HEAD + ROOT + records.join('')
const whole = (records: string, sums: string): string => around(records, UP, sums)
const one = (entry: string): string => whole(entry, end(1, 0, 0, 3))
const twice = (first: string, second: string): string => whole(file(first) + file(second), end(2, 0, 0, 6))

interface Refused {
  readonly bytes: string
  readonly reason: string
  readonly options?: Partial<FilesTargetOptions>
}

const TWINS = 'two names that are one on this file system'
const PATH = 'a name that is a path'
const LENGTH = 'a name of no valid length'
const EARLY = 'an end too early'
const SUMS = 'sums that are not what was read'
const SPACE = 'more bytes than there is space for'
const NUMBER = 'a number out of bounds'
const MODE = 'a mode with other bits than permissions'
const NOT_AGAIN = 'a void file that does not come again'
const folding = { foldsNames: true }

const REFUSED: Readonly<Record<string, Refused>> = {
  empty: { bytes: '', reason: EARLY },
  'magic-of-tar': { bytes: hex('ustar').padEnd(1_024, '0'), reason: 'not a tree of files' },
  'magic-of-zip': { bytes: `504b0304${'00'.repeat(64)}`, reason: 'not a tree of files' },
  'version-unknown': {
    bytes: GOOD.replace('00000001', '00000002'),
    reason: 'a version that this Coffre does not know',
  },
  'head-truncated': { bytes: HEAD.slice(0, -2), reason: EARLY },
  'root-missing': { bytes: HEAD + end(0, 0, 0, 0), reason: 'no root folder' },
  'root-named': { bytes: HEAD + folder(hex('root')) + UP + end(0, 0, 0, 0), reason: 'no root folder' },
  'root-is-a-file': { bytes: HEAD + file('') + end(1, 0, 0, 3), reason: 'no root folder' },
  'root-twice': { bytes: around(ROOT, UP, UP, end(0, 1, 0, 0)), reason: LENGTH },
  'root-after-root': { bytes: around(UP, ROOT, UP, end(0, 0, 0, 0)), reason: 'a record after the root' },
  'file-after-root': { bytes: around(UP, file(A), end(1, 0, 0, 3)), reason: 'a record after the root' },
  'up-above-root': { bytes: around(UP, UP, end(0, 0, 0, 0)), reason: 'a record after the root' },
  'end-inside-root': { bytes: around(end(0, 0, 0, 0)), reason: 'an end inside a folder' },
  'end-inside-folder': { bytes: around(folder(A), UP, end(0, 1, 0, 0)), reason: 'an end inside a folder' },
  'end-missing': { bytes: around(UP), reason: EARLY },
  'end-truncated': { bytes: GOOD.slice(0, -2), reason: EARLY },
  'trailing-byte': { bytes: `${GOOD}00`, reason: 'something after the end' },
  'trailing-tree': { bytes: GOOD + GOOD, reason: 'something after the end' },
  'tag-unknown': { bytes: around('05'), reason: 'an unknown record' },
  'tag-of-a-link': {
    bytes: around(`32${named(A)}${named(hex('/etc/passwd'))}`),
    reason: 'an unknown record',
  },
  'name-parent': { bytes: one(file(hex('..'))), reason: PATH },
  'name-parent-folder': { bytes: around(folder(hex('..')), UP, UP, end(0, 1, 0, 0)), reason: PATH },
  'name-self': { bytes: one(file(hex('.'))), reason: PATH },
  'name-absolute': { bytes: one(file(hex('/etc/cron.d/x'))), reason: PATH },
  'name-with-slash': { bytes: one(file(hex('a/b'))), reason: PATH },
  'name-climbs': { bytes: one(file(hex('../../victim'))), reason: PATH },
  'name-with-zero': { bytes: one(file(hex('a\0b'))), reason: PATH },
  'name-empty': { bytes: one(file('')), reason: LENGTH },
  'name-too-long': { bytes: one(file('61'.repeat(256))), reason: LENGTH },
  'name-longest': { bytes: one(file('61'.repeat(65_535))), reason: LENGTH },
  'name-truncated': { bytes: around(`02${u16(9)}6161`), reason: EARLY },
  'left-out-climbs': { bytes: whole(leftOut(hex('../x')), end(0, 0, 1, 0)), reason: PATH },
  'left-out-reason-unknown': {
    bytes: whole(leftOut(A, '09'), end(0, 0, 1, 0)),
    reason: 'an unknown reason for what was left out',
  },
  'name-twice': { bytes: twice(A, A), reason: 'a name twice' },
  'folder-and-file': { bytes: around(folder(A), UP, file(A), UP, end(1, 1, 0, 3)), reason: 'a name twice' },
  'left-out-then-file': { bytes: whole(leftOut(A) + file(A), end(1, 0, 1, 3)), reason: 'a name twice' },
  'names-out-of-order': { bytes: twice(hex('b'), A), reason: 'names out of order' },
  'name-again-later': {
    bytes: whole(file(A) + file(hex('b')) + file(A), end(3, 0, 0, 9)),
    reason: 'names out of order',
  },
  'twins-by-case': { bytes: twice(hex('A'), A), reason: TWINS, options: folding },
  'twins-by-normalisation': { bytes: twice(hex('e\u0301'), hex('\u00e9')), reason: TWINS, options: folding },
  'twins-by-sharp-s': { bytes: twice(hex('STRASSE'), hex('stra\u00dfe')), reason: TWINS, options: folding },
  'twins-of-a-folder': {
    bytes: around(folder(hex('.Git')), UP, file(hex('.git')), UP, end(1, 1, 0, 3)),
    reason: TWINS,
    options: folding,
  },
  'too-deep': { bytes: around(folder(A).repeat(128)), reason: 'folders too deep' },
  'too-many-entries': { bytes: GOOD, reason: 'too many entries', options: { maxEntries: 3 } },
  'mode-set-user-id': { bytes: one(file(A, hex('abc'), { mode: '09ed' })), reason: MODE },
  'mode-sticky-folder': { bytes: around(folder(A, { mode: '03ff' })), reason: MODE },
  'mode-of-a-device': { bytes: one(file(A, hex('abc'), { mode: '61b6' })), reason: MODE },
  'time-out-of-bounds': {
    bytes: one(file(A, hex('abc'), { time: '7fffffffffffffff' })),
    reason: 'a time out of bounds',
  },
  'time-before-bounds': {
    bytes: one(file(A, hex('abc'), { time: '8000000000000000' })),
    reason: 'a time out of bounds',
  },
  'size-over-space': { bytes: one(file(A, hex('abc'), { size: u64(2 ** 52) })), reason: SPACE },
  'size-over-cap': { bytes: one(file(A, hex('abc'))), reason: SPACE, options: { maxBytes: 2 } },
  'sizes-over-cap-together': { bytes: twice(A, hex('b')), reason: SPACE, options: { maxBytes: 5 } },
  'size-beyond-integers': { bytes: one(file(A, hex('abc'), { size: 'ffffffffffffffff' })), reason: NUMBER },
  'content-truncated': { bytes: around(file(A, '00'.repeat(64)).slice(0, -60)), reason: EARLY },
  'state-unknown': { bytes: one(file(A, hex('abc'), { state: '03' })), reason: 'an unknown state of a file' },
  'length-over-size': {
    bytes: one(file(A, hex('abc'), { state: '02', length: u64(4) })),
    reason: 'a length that is not the size',
  },
  'length-under-size-of-whole': {
    bytes: one(file(A, hex('abc'), { length: u64(2) })),
    reason: 'a length that is not the size',
  },
  'void-then-another': {
    bytes: whole(file(A, '', { state: '01' }) + file(hex('b')), end(1, 0, 0, 3)),
    reason: NOT_AGAIN,
  },
  'void-then-left-out': {
    bytes: whole(file(A, '', { state: '01' }) + leftOut(A), end(0, 0, 1, 0)),
    reason: NOT_AGAIN,
  },
  'void-then-up': { bytes: whole(file(A, '', { state: '01' }), end(0, 0, 0, 0)), reason: NOT_AGAIN },
  'sum-of-files': { bytes: whole(file(A), end(2, 0, 0, 3)), reason: SUMS },
  'sum-of-folders': { bytes: whole(file(A), end(1, 1, 0, 3)), reason: SUMS },
  'sum-of-left-out': { bytes: whole(file(A), end(1, 0, 1, 3)), reason: SUMS },
  'sum-of-bytes': { bytes: whole(file(A), end(1, 0, 0, 4)), reason: SUMS },
  'sum-beyond-integers': { bytes: whole(file(A), end(1, 0, 0, 2n ** 60n)), reason: NUMBER },
}

async function* piecesOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('a tree of files', () => {
  test('as in the specification is restored, in pieces of any size', async (t) => {
    assert.equal(EXAMPLE, GOOD)
    for (const size of [1, 2, 7, 1_000]) {
      const target = join(makeFolder(t), 'out')
      const restore = filesTarget({ folder: target, id: ID })
      await restore.prepare({})
      const counts = await restore.receive(piecesOf(Buffer.from(GOOD, 'hex'), size), signal)
      assert.deepEqual(counts, { files: 1, folders: 1, leftOut: 1, bytes: 3, changed: 0 })
      await restore.commit()
      assert.deepEqual(readdirSync(target).toSorted(), ['a.txt', 'sub'])
      assert.equal(readFileSync(join(target, 'a.txt'), 'utf8'), 'abc')
    }
  })

  test('holds names apart that differ in case, where the file system does', async (t) => {
    const target = join(makeFolder(t), 'out')
    const restore = filesTarget({ folder: target, id: ID, foldsNames: false })
    await restore.prepare({})
    await restore.receive(piecesOf(Buffer.from(twice(hex('A'), A), 'hex'), 64), signal)
    await restore.commit()
    assert.deepEqual(readdirSync(target).toSorted(), ['A', 'a'])
  })

  test('takes the last reading of a file that changed, and cuts what was filled up', async (t) => {
    const target = join(makeFolder(t), 'out')
    const records =
      file(A, hex('draft'), { state: '01', length: u64(2) }) +
      file(A, hex('final\0\0'), { state: '02', length: u64(5) })
    const restore = filesTarget({ folder: target, id: ID })
    await restore.prepare({})
    const counts = await restore.receive(
      piecesOf(Buffer.from(whole(records, end(1, 0, 0, 5)), 'hex'), 64),
      signal,
    )
    assert.deepEqual(counts, { files: 1, folders: 0, leftOut: 0, bytes: 5, changed: 1 })
    await restore.commit()
    assert.equal(readFileSync(join(target, 'a'), 'utf8'), 'final')
  })
})

describe('a hostile tree of files is refused, and the target is as it was', () => {
  test('with enough ways to be wrong', () => assert.ok(Object.keys(REFUSED).length >= 60))

  for (const [name, { bytes, reason, options }] of Object.entries(REFUSED)) {
    test(name, async (t) => {
      const place = makeFolder(t)
      writeFileSync(join(place, 'victim'), 'mine')
      const restore = filesTarget({ folder: join(place, 'out'), id: ID, ...options })
      await restore.prepare({})
      await assert.rejects(restore.receive(piecesOf(Buffer.from(bytes, 'hex'), 100), signal), (error) => {
        assert.ok(error instanceof CoffreError)
        assert.deepEqual([error.code, error.facts['reason']], ['BACKUP_CONTENT_REFUSED', reason])
        return true
      })
      await restore.abandon()
      assert.deepEqual(readdirSync(place), ['victim'])
      assert.equal(readFileSync(join(place, 'victim'), 'utf8'), 'mine')
    })
  }

  test('at every byte where it could break off', async (t) => {
    const place = makeFolder(t)
    const all = Buffer.from(GOOD, 'hex')
    for (let length = 0; length < all.length; length += 1) {
      const restore = filesTarget({ folder: join(place, 'out'), id: String(length) })
      await restore.prepare({})
      await assert.rejects(restore.receive(piecesOf(all.subarray(0, length), 64), signal), CoffreError)
      await restore.abandon()
    }
    assert.equal(existsSync(join(place, 'out')), false)
    assert.deepEqual(readdirSync(place), [])
  })
})
