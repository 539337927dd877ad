import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { decryptBackup, encryptBackup } from '../../../../src/service/backup/layout-file.ts'
import { makeFolder } from '../../../temporary.ts'

const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('hex')
const LEGACY = 'sha256:correct-horse-battery-staple-backup'
const PLAINTEXT = '-- PostgreSQL database dump\nSELECT 1;\n'
/** V003 of the requirements. */
const LAYOUT_A =
  '00000001000102030405060708090a0b1334494897ba6cbce63020dace8f548f5889de1bc5e5c21b8f42445ee4e1b042ad9fa87efd75ab2d702ec9cc51232cfc54588731822118ee81d50ae3d9b79cdeec598ee142a085da3f97'
const LAYOUT_C =
  '00000001000102030405060708090a0bfd2b74d69f1060adc2124a3c688fc66bfa99dd5aff92af22a526b32ce83275ed1676a6b54a0c506cb52e8776bab91efad589b7185e2ba773ae99c5122762406424067d6b76511043dac1'

describe('a backup file of IMP-008', () => {
  test('is written in layout A and comes back byte for byte', async (t) => {
    const folder = makeFolder(t)
    const [plain, sealed, back] = ['dump.sql', 'dump.enc', 'back.sql'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    for (const content of [
      Buffer.alloc(0),
      Buffer.from(PLAINTEXT),
      Buffer.alloc(3_000_000, 'INSERT INTO t;\n'),
    ]) {
      writeFileSync(plain, content)
      await encryptBackup(plain, sealed, KEY)
      assert.equal(readFileSync(sealed).subarray(0, 4).toString('hex'), '00000001')
      assert.equal(statSync(sealed).mode & 0o777, 0o600)
      assert.ok(content.length < 1_000 || statSync(sealed).size < content.length / 2)
      await decryptBackup(sealed, back, KEY)
      assert.deepEqual(readFileSync(back), content)
    }
    assert.ok(!existsSync(`${sealed}.part`) && !existsSync(`${back}.part`))
  })

  test('in layout A or C is read, also beside other keys', async (t) => {
    const folder = makeFolder(t)
    for (const layout of [LAYOUT_A, LAYOUT_C]) {
      writeFileSync(join(folder, 'in'), Buffer.from(layout, 'hex'))
      await decryptBackup(join(folder, 'in'), join(folder, 'out'), [LEGACY, KEY])
      assert.equal(readFileSync(join(folder, 'out'), 'utf8'), PLAINTEXT)
    }
  })

  test('that was changed anywhere is refused, and what was there stays', async (t) => {
    const folder = makeFolder(t)
    const [input, output] = [join(folder, 'in'), join(folder, 'out')]
    writeFileSync(output, 'before')
    const whole = Buffer.from(LAYOUT_A, 'hex')
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 0x10
      writeFileSync(input, changed)
      await assert.rejects(
        decryptBackup(input, output, [KEY, LEGACY]),
        { code: 'BACKUP_DAMAGED' },
        `byte ${at}`,
      )
    }
    for (const length of [0, 3, 16, 31, 32, whole.length - 1]) {
      writeFileSync(input, whole.subarray(0, length))
      await assert.rejects(decryptBackup(input, output, KEY), { code: 'BACKUP_DAMAGED' }, `${length} bytes`)
    }
    assert.equal(readFileSync(output, 'utf8'), 'before')
    assert.ok(!existsSync(`${output}.part`))
  })

  test('in layout B says why nobody opens it', async (t) => {
    const folder = makeFolder(t)
    writeFileSync(join(folder, 'in'), Buffer.from(`3028af2c${'5a'.repeat(71)}`, 'hex'))
    await assert.rejects(decryptBackup(join(folder, 'in'), join(folder, 'out'), KEY), (error: Error) => {
      assert.match(JSON.stringify(error), /IV was never stored/)
      return true
    })
  })

  test('needs a key, and says how to make one; a missing input leaves nothing', async (t) => {
    const folder = makeFolder(t)
    writeFileSync(join(folder, 'in'), PLAINTEXT)
    for (const key of ['', 'your-32-byte-key-here', LEGACY]) {
      await assert.rejects(encryptBackup(join(folder, 'in'), join(folder, 'out'), key), {
        code: 'CONFIG_REFUSED',
      })
    }
    await assert.rejects(encryptBackup(join(folder, 'in'), join(folder, 'out'), ''), (error: Error) => {
      assert.match(JSON.stringify(error), /openssl rand -hex 32/)
      return true
    })
    await assert.rejects(encryptBackup(join(folder, 'none'), join(folder, 'out'), KEY), { code: 'ENOENT' })
    assert.ok(!existsSync(join(folder, 'out')) && !existsSync(join(folder, 'out.part')))
  })
})
