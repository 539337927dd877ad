import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { copyFor } from '../../../src/audit/checkpoint/checkpoint-copy.ts'
import { makeFolder } from '../../temporary.ts'

function makeCopy(t: TestContext) {
  const dataDir = makeFolder(t)
  const copy = copyFor({ dataDir, environment: {} })
  return { copy, dataDir, path: join(dataDir, 'audit-checkpoints') }
}

describe('the place of the copy', () => {
  test('is the file that was chosen, that the environment names, or one beside the database', () => {
    const place = (checkpointFile: string | undefined, variable: string | undefined) =>
      copyFor({
        dataDir: '/data',
        environment: { COFFRE_CHECKPOINT_FILE: variable },
        ...(checkpointFile === undefined ? {} : { checkpointFile }),
      }).place
    assert.equal(place('/chosen', '/named'), '/chosen')
    assert.equal(place(undefined, '/named'), '/named')
    assert.equal(place(undefined, ''), '/data/audit-checkpoints')
    assert.equal(place(undefined, undefined), '/data/audit-checkpoints')
  })
})

describe('the copy in a file', () => {
  test('is read as it was written, is private, and leaves nothing beside it', async (t) => {
    const { copy, dataDir, path } = makeCopy(t)
    assert.equal(await copy.read(), undefined)
    for (const text of ['one — é\n', 'two\n', '']) {
      await copy.write(text)
      assert.equal(await copy.read(), text)
      assert.equal(readFileSync(path, 'utf8'), text)
      assert.equal(statSync(path).mode & 0o777, 0o600)
      assert.deepEqual(readdirSync(dataDir), ['audit-checkpoints'])
    }
  })

  test('is written past what a process that died has left', async (t) => {
    const { copy, dataDir, path } = makeCopy(t)
    writeFileSync(`${path}.${process.pid}.part`, 'half')
    await copy.write('whole\n')
    assert.equal(await copy.read(), 'whole\n')
    assert.deepEqual(readdirSync(dataDir), ['audit-checkpoints'])
  })

  test('that cannot be written stays as it was', async (t) => {
    const { copy, dataDir, path } = makeCopy(t)
    mkdirSync(path)
    writeFileSync(join(path, 'occupied'), '')
    await assert.rejects(copy.write('text\n'), { code: 'EISDIR' })
    assert.deepEqual(readdirSync(dataDir), ['audit-checkpoints'])
    await assert.rejects(copy.read(), { code: 'EISDIR' })
    const nowhere = copyFor({ dataDir: join(dataDir, 'no folder'), environment: {} })
    assert.equal(await nowhere.read(), undefined)
    await assert.rejects(nowhere.write('text\n'), { code: 'ENOENT' })
  })

  test('is no link to another file', async (t) => {
    const { copy, dataDir, path } = makeCopy(t)
    const other = join(dataDir, 'other')
    writeFileSync(other, 'not ours\n')
    symlinkSync(other, path)
    await assert.rejects(copy.read(), { code: 'ELOOP' })
    await copy.write('ours\n')
    assert.equal(readFileSync(other, 'utf8'), 'not ours\n')
    assert.equal(await copy.read(), 'ours\n')
  })

  test('has a greatest length', async (t) => {
    const { copy, path } = makeCopy(t)
    const most = 4 * 1024 * 1024
    writeFileSync(path, Buffer.alloc(most, 'a'))
    assert.equal((await copy.read())?.length, most)
    writeFileSync(path, Buffer.alloc(most + 1, 'a'))
    await assert.rejects(copy.read(), RangeError)
    rmSync(path)
  })
})

test('a copy that is not held open is read and written as often as one likes', async (t) => {
  const { copy } = makeCopy(t)
  const open = () => readdirSync('/proc/self/fd').length
  await copy.write('text\n')
  await copy.read()
  const before = open()
  for (let round = 0; round < 20; round += 1) {
    await copy.write('text\n')
    await copy.read()
  }
  assert.equal(open(), before)
})
