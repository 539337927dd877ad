import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CoffreError } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'
import { environmentSeal } from '../../../src/seal/environment/environment-seal.ts'
import { fileSeal } from '../../../src/seal/file/file-seal.ts'
import { passphraseSeal } from '../../../src/seal/passphrase/passphrase-seal.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

const HEX = '0123456789abcdef'.repeat(4)
const NOTHING = new Uint8Array(0)
const missing = failsWith('SEAL_KEY_MISSING')

describe('a key file', () => {
  test('is made with mode 0600, and kept when it is there', async (t) => {
    const path = join(makeFolder(t), 'seal.key')
    const { sealKey } = await fileSeal(path).create()
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.match(await readFile(path, 'utf8'), /^[0-9a-f]{64}\n$/)
    assert.ok((await fileSeal(path).create()).sealKey.equals(sealKey))
    assert.ok((await fileSeal(path).recover(NOTHING)).equals(sealKey))
  })

  test('that others can read is refused, with the command that helps', async (t) => {
    const path = join(makeFolder(t), 'seal.key')
    await fileSeal(path).create()
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      await chmod(path, mode)
      await assert.rejects(fileSeal(path).recover(NOTHING), (error) => {
        assert.ok(error instanceof CoffreError)
        return error.code === 'SEAL_KEY_MISSING' && String(error.facts['expected']).includes('chmod 600')
      })
    }
  })

  test('behind a symbolic link is refused, for reading and for writing', async (t) => {
    const folder = makeFolder(t)
    await writeFile(join(folder, 'real.key'), `${HEX}\n`, { mode: 0o600 })
    await symlink(join(folder, 'real.key'), join(folder, 'link.key'))
    await symlink(join(folder, 'absent.key'), join(folder, 'dangling.key'))
    await assert.rejects(fileSeal(join(folder, 'link.key')).recover(NOTHING), missing)
    await assert.rejects(fileSeal(join(folder, 'link.key')).create(), missing)
    await assert.rejects(fileSeal(join(folder, 'dangling.key')).create(), missing)
    await assert.rejects(stat(join(folder, 'absent.key')))
  })

  test('that is a folder, or in no folder, is refused', async (t) => {
    const folder = makeFolder(t)
    await mkdir(join(folder, 'seal.key'), { mode: 0o700 })
    await assert.rejects(fileSeal(join(folder, 'seal.key')).recover(NOTHING), missing)
    await assert.rejects(fileSeal(join(folder, 'none', 'seal.key')).create(), missing)
  })

  test('of another content is refused, and never shown', async (t) => {
    const path = join(makeFolder(t), 'seal.key')
    for (const text of ['', 'short', `${HEX}0`, HEX.slice(1), 'x'.repeat(64), HEX.repeat(3)]) {
      await writeFile(path, text, { mode: 0o600 })
      await assert.rejects(fileSeal(path).recover(NOTHING), (error) => {
        assert.ok(missing(error))
        return text === '' || !JSON.stringify(error).includes(text)
      })
    }
  })
})

describe('a seal key in the environment', () => {
  const seal = (environment: Record<string, string>) => environmentSeal({ variable: 'KEY', environment })

  test('is read as hex, base64 and base64url, with a line end', async () => {
    const bytes = Buffer.from('fb'.repeat(32), 'hex')
    const spellings = [bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')]
    const keys = await Promise.all(spellings.map((text) => seal({ KEY: `${text}\n` }).recover(NOTHING)))
    for (const key of keys) assert.ok(keys[0]?.equals(key))
  })

  test('may lie in a file that the variable names', async (t) => {
    const path = join(makeFolder(t), 'secret')
    await writeFile(path, `${HEX}\n`)
    const key = await seal({ KEY_FILE: path }).recover(NOTHING)
    assert.ok(key.equals(await seal({ KEY: HEX }).recover(NOTHING)))
  })

  test('set in both ways is refused', async () => {
    await assert.rejects(seal({ KEY: HEX, KEY_FILE: '/x' }).recover(NOTHING), failsWith('CONFIG_REFUSED'))
  })

  test('that is absent, empty, malformed or too long is missing', async (t) => {
    const path = join(makeFolder(t), 'secret')
    await writeFile(path, 'a'.repeat(129))
    for (const environment of [{}, { KEY: '' }, { KEY: 'x' }, { KEY_FILE: '/nowhere' }, { KEY_FILE: path }]) {
      await assert.rejects(seal(environment).recover(NOTHING), missing)
    }
  })
})

describe('a passphrase', () => {
  const seal = passphraseSeal(new Secret('correct horse battery staple'))

  test('of less than 12 characters protects nothing new', async () => {
    await assert.rejects(passphraseSeal(new Secret('elevenchars')).create(), failsWith('CONFIG_REFUSED'))
  })

  test('is not stretched at a cost that we never write, however cheap or dear', async () => {
    const { parameters } = await seal.create()
    const [MEMORY, PASSES, LANES] = [0, 4, 8]
    const hostile: readonly (readonly [number, number])[] = [
      [MEMORY, 0],
      [MEMORY, 8],
      [MEMORY, 2 ** 32 - 1],
      [MEMORY, 2 ** 20 + 1],
      [PASSES, 0],
      [PASSES, 1],
      [PASSES, 2 ** 32 - 1],
      [LANES, 0],
      [LANES, 2 ** 24],
    ]
    for (const [offset, value] of hostile) {
      const changed = Buffer.from(parameters)
      changed.writeUInt32BE(value, offset)
      await assert.rejects(seal.recover(changed), failsWith('SEAL_DAMAGED'))
    }
  })
})
