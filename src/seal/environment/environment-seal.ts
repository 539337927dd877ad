import { readFile, stat } from 'node:fs/promises'
import { CoffreError } from '../../model/errors.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { MAX_SEAL_KEY_CHARACTERS, parseSealKey } from '../seal-key.ts'
import type { SealProvider } from '../seal-provider.ts'

export const DEFAULT_VARIABLE = 'COFFRE_SEAL_KEY'

export interface EnvironmentSealOptions {
  readonly variable: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** 32 bytes in a variable, or in the file that `<variable>_FILE` names (a Docker or systemd secret). */
export function environmentSeal(options: EnvironmentSealOptions): SealProvider {
  return {
    name: 'environment',
    create: async () => ({ sealKey: await readSealKey(options), parameters: new Uint8Array(0) }),
    recover: async (parameters) => {
      if (parameters.length > 0) throw new CoffreError('SEAL_DAMAGED', { facts: { part: 'parameters' } })
      return readSealKey(options)
    },
  }
}

async function readSealKey(options: EnvironmentSealOptions): Promise<KeyMaterial> {
  const { variable, environment } = options
  const value = environment[variable]
  const file = environment[`${variable}_FILE`]
  if (value !== undefined && file !== undefined) {
    throw new CoffreError('CONFIG_REFUSED', { facts: { setting: variable, expected: 'only one of the two' } })
  }
  if (value !== undefined) return parseSealKey(value, variable)
  if (file === undefined) throw new CoffreError('SEAL_KEY_MISSING', { facts: { setting: variable } })
  return parseSealKey(await readSecretFile(file, variable), `${variable}_FILE`)
}

async function readSecretFile(path: string, variable: string): Promise<string> {
  try {
    if ((await stat(path)).size > MAX_SEAL_KEY_CHARACTERS) throw new RangeError('longer than a key')
    return await readFile(path, 'latin1')
  } catch (cause) {
    throw new CoffreError('SEAL_KEY_MISSING', { facts: { setting: `${variable}_FILE` }, cause })
  }
}
