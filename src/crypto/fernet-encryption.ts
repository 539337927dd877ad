import { CoffreError } from '../model/errors.ts'
import type { Context, Encryption } from './algorithm.ts'
import { FernetKey, readSystemSeconds } from './fernet-key.ts'
import type { KeyMaterial } from './key-material.ts'

/** Entries leave with their material. */
const keysOfMaterial = new WeakMap<KeyMaterial, FernetKey>()

function findKey(material: KeyMaterial): FernetKey {
  const known = keysOfMaterial.get(material)
  if (known !== undefined) return known
  const key = new FernetKey(material)
  keysOfMaterial.set(material, key)
  return key
}

function isEmpty(context: Context = {}): boolean {
  return Object.keys(context).length === 0
}

function refuseContext(context: Context): void {
  if (isEmpty(context)) return
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'context', expected: 'no pairs: Fernet binds none' },
  })
}

/** Fernet as the capability of a managed key. A token carries no key id and no context, so none is accepted. */
export const fernetEncryption: Encryption = {
  selfDescribing: false,
  sealMany: ({ material }, messages) => {
    for (const { context } of messages) refuseContext(context)
    const plaintexts = messages.map((message) => message.plaintext)
    return findKey(material).sealMany(plaintexts, { timeSeconds: readSystemSeconds() })
  },
  openMany: ({ material }, messages) => {
    const tokens = messages.map((message) => message.ciphertext)
    const opened = findKey(material).openMany(tokens, {
      nowSeconds: readSystemSeconds(),
      ttlSeconds: undefined,
    })
    // A context that nothing is bound to fails its own item, not the others of the batch.
    return opened.map((each, index) => {
      if (typeof each === 'string') return undefined
      if (isEmpty(messages[index]?.context)) return each
      each.fill(0)
      return undefined
    })
  },
}
