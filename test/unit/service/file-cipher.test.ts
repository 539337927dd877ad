import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openCoffre } from '../../../src/app.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { decryptFile, encryptFile } from '../../../src/service/data/file-cipher.ts'

const folder = mkdtempSync(join(tmpdir(), 'coffre-file-'))
const coffre = await openCoffre({ dataDir: folder, createIfMissing: true })
await coffre.keys.create({ name: 'files' })
await coffre.keys.create({ name: 'tokens', algorithm: 'fernet' })
after(async () => {
  await coffre.close()
  rmSync(folder, { recursive: true })
})

const context = { owner: 'Ænea' }

async function encrypt(plaintext: Uint8Array): Promise<Buffer> {
  const source = ReadableStream.from([plaintext])
  return collect(await encryptFile(coffre, source, { key: 'files', context }))
}

async function decrypt(pieces: Iterable<Uint8Array>, pairs = context): Promise<Buffer> {
  return collect(await decryptFile(coffre, ReadableStream.from(pieces), { context: pairs }))
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream))
}

function isRefusal(error: unknown): boolean {
  return error instanceof CoffreError && error.code === 'DECRYPTION_FAILED'
}

describe('a file', () => {
  for (const bytes of [0, 1, 16_383, 16_384, 100_000]) {
    test(`of ${bytes} bytes comes back whole, in whatever pieces it arrives`, async () => {
      const plaintext = randomBytes(bytes)
      const file = await encrypt(plaintext)
      assert.ok(plaintext.equals(await decrypt([file])))
      const pieces = Array.from({ length: Math.ceil(file.length / 101) }, (_, index) =>
        file.subarray(index * 101, index * 101 + 101),
      )
      assert.ok(plaintext.equals(await decrypt(pieces)))
    })
  }

  test('tells its key and version to inspect', async () => {
    const file = await encrypt(Buffer.from('x'))
    const { format, key, version } = await coffre.inspect(file)
    assert.deepEqual({ format, key, version }, { format: 'coffre-file', key: 'files', version: 1 })
  })

  test('opens after rotations of its key', async () => {
    const file = await encrypt(Buffer.from('before'))
    await coffre.keys.rotate('files')
    assert.equal((await decrypt([file])).toString(), 'before')
  })

  test('with any changed byte is refused', async () => {
    const file = await encrypt(Buffer.from('genuine'))
    for (let index = 0; index < file.length; index += 1) {
      const changed = Buffer.from(file)
      changed[index] = changed.readUInt8(index) ^ 1
      await assert.rejects(decrypt([changed]), isRefusal, `byte ${index}`)
    }
  })

  test('that is cut anywhere is refused', async () => {
    const file = await encrypt(Buffer.from('genuine'))
    for (let length = 0; length < file.length; length += 1) {
      await assert.rejects(decrypt([file.subarray(0, length)]), isRefusal, `${length} bytes`)
    }
  })

  test('under another context is refused', async () => {
    await assert.rejects(decrypt([await encrypt(Buffer.from('x'))], { owner: 'Eve' }), isRefusal)
  })
})

test('a key whose ciphertext binds no context is refused for files', async () => {
  const source = ReadableStream.from([Buffer.from('x')])
  await assert.rejects(
    encryptFile(coffre, source, { key: 'tokens' }),
    (error: unknown) => error instanceof CoffreError && error.code === 'PURPOSE_MISMATCH',
  )
})
