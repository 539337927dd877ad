import type { Coffre } from '../../model/coffre.ts'
import { hasCode } from '../../model/errors.ts'
import type { KeyWrapping } from './data-keys.ts'

/** The key that data keys of users are under, where nobody names another. */
export const DEFAULT_CACHE_KEY = 'cache'

/** Data keys under a managed key of a Coffre, in this process or of a server. The key is made when it is first needed. */
export function wrappingOf(coffre: Pick<Coffre, 'encrypt' | 'decrypt' | 'keys'>, key: string): KeyWrapping {
  const contextOf = (user: string) => ({ user, use: 'cache' })
  const encrypt = (user: string, plaintext: Uint8Array) =>
    coffre.encrypt({ key, plaintext, context: contextOf(user) })
  return {
    wrap: async (user, bytes) => {
      try {
        return (await encrypt(user, bytes)).ciphertext
      } catch (error) {
        if (!hasCode(error, 'KEY_NOT_FOUND')) throw error
        await makeKey(coffre, key)
        return (await encrypt(user, bytes)).ciphertext
      }
    },
    unwrap: async (user, ciphertext) =>
      (await coffre.decrypt({ ciphertext, key, context: contextOf(user) })).plaintext,
  }
}

async function makeKey(coffre: Pick<Coffre, 'keys'>, name: string): Promise<void> {
  try {
    await coffre.keys.create({ name, description: 'data keys of cache users' })
  } catch (error) {
    if (!hasCode(error, 'KEY_EXISTS')) throw error
  }
}
