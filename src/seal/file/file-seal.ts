import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { type KeyMaterial, rawBytes } from '../../crypto/key-material.ts'
import { randomKeyMaterial } from '../../crypto/random.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_SEAL_KEY_CHARACTERS, parseSealKey } from '../seal-key.ts'
import { SEAL_KEY_BYTES, type SealProvider } from '../seal-provider.ts'
import { writePrivateFile } from './private-file.ts'

const OTHERS = 0o077

/** A generated key file: 64 hex digits and a newline, readable by its owner alone. */
export function fileSeal(path: string): SealProvider {
  return {
    name: 'file',
    create: async () => ({ sealKey: await createOrRead(path), parameters: new Uint8Array(0) }),
    recover: async (parameters) => {
      if (parameters.length > 0) throw new CoffreError('SEAL_DAMAGED', { facts: { part: 'parameters' } })
      return read(path)
    },
  }
}

/** An existing file is kept: a first start that died after writing it goes on with it. */
async function createOrRead(path: string): Promise<KeyMaterial> {
  const key = randomKeyMaterial(SEAL_KEY_BYTES)
  const text = `${Buffer.from(rawBytes(key)).toString('hex')}\n`
  try {
    return (await writePrivateFile(path, text, { ifExists: 'keep' })) ? key : await read(path)
  } catch (error) {
    if (error instanceof CoffreError) throw error
    throw missing(path, 'writable', error)
  }
}

async function read(path: string): Promise<KeyMaterial> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    throw missing(path, 'readable', error)
  })
  try {
    const stats = await file.stat()
    if ((stats.mode & OTHERS) !== 0) throw missing(path, `mode 0600: chmod 600 ${path}`)
    if (stats.size > MAX_SEAL_KEY_CHARACTERS) throw missing(path, '64 hex digits')
    return parseSealKey(await file.readFile('latin1'), path)
  } finally {
    await file.close()
  }
}

function missing(path: string, expected: string, cause?: unknown): CoffreError {
  return new CoffreError('SEAL_KEY_MISSING', { facts: { file: path, expected }, cause })
}
