import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../../src/model/ids.ts'
import { toWrapped } from '../../../src/model/wrapped.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import type { SealProvider } from '../../../src/seal/seal-provider.ts'
import { sealRootKey, unsealRootKey } from '../../../src/seal/slot.ts'
import { UnsealedVault } from '../../../src/seal/vault.ts'
import { failsWith } from '../../temporary.ts'

export interface ProviderCase {
  readonly name: string
  /** A provider, and others that differ from it in the one way that the name says. */
  readonly make: (t: TestContext) => Promise<{
    readonly provider: SealProvider
    /** Another secret, well-formed. */
    readonly wrong: SealProvider
    /** How a wrong secret shows where it can be told before it is used. */
    readonly wrongIs?: ErrorCode
    /** The secret is not to be had. Absent where it is always in hand. */
    readonly missing?: SealProvider
  }>
}

/** What every seal provider promises (src/seal/seal-provider.ts). */
export function describeSealProvider({ name, make }: ProviderCase): void {
  describe(`the ${name} seal`, () => {
    const root = new KeyMaterial(randomBytes(32))

    test('gives the root key back, every time', async (t) => {
      const { provider } = await make(t)
      const slot = await sealRootKey(provider, root)
      for (let times = 0; times < 2; times += 1) assert.ok((await unsealRootKey(provider, slot)).equals(root))
    })

    test('makes another slot each time, and each opens', async (t) => {
      const { provider } = await make(t)
      const slots = [await sealRootKey(provider, root), await sealRootKey(provider, root)]
      assert.notDeepEqual(slots[0], slots[1])
      for (const slot of slots) assert.ok((await unsealRootKey(provider, slot)).equals(root))
    })

    test('tells a wrong secret from damage', async (t) => {
      const { provider, wrong, wrongIs = 'PASSPHRASE_WRONG' } = await make(t)
      const slot = await sealRootKey(provider, root)
      await assert.rejects(unsealRootKey(wrong, slot), failsWith(wrongIs))
    })

    test('calls a slot with any flipped byte damaged, without judging the secret', async (t) => {
      const { provider, wrong } = await make(t)
      const slot = await sealRootKey(provider, root)
      for (let byte = 0; byte < slot.length; byte += 1) {
        const copy = Buffer.from(slot)
        copy[byte] = copy.readUInt8(byte) ^ (1 << (byte & 7))
        for (const each of [provider, wrong]) {
          await assert.rejects(unsealRootKey(each, toWrapped(copy)), failsWith('SEAL_DAMAGED'), `${byte}`)
        }
      }
    })

    test('calls a slot of any other length damaged', async (t) => {
      const { provider } = await make(t)
      const slot = await sealRootKey(provider, root)
      for (let end = 0; end < slot.length; end += 1) {
        const cut = toWrapped(slot.subarray(0, end))
        await assert.rejects(unsealRootKey(provider, cut), failsWith('SEAL_DAMAGED'))
      }
      const longer = toWrapped(Buffer.concat([slot, Buffer.alloc(1)]))
      await assert.rejects(unsealRootKey(provider, longer), failsWith('SEAL_DAMAGED'))
    })

    test('refuses parameters that it never writes', async (t) => {
      const { provider } = await make(t)
      const { parameters } = await provider.create()
      const longer = Buffer.concat([parameters, Buffer.alloc(1)])
      await assert.rejects(provider.recover(longer), failsWith('SEAL_DAMAGED'))
    })

    test('says when its secret is not to be had', async (t) => {
      const { provider, missing } = await make(t)
      const slot = await sealRootKey(provider, root)
      if (missing === undefined) return
      await assert.rejects(unsealRootKey(missing, slot), failsWith('SEAL_KEY_MISSING'))
    })

    test('sealed again, a vault does nothing more', async (t) => {
      const { provider } = await make(t)
      const { slot } = await UnsealedVault.create(provider)
      const vault = await UnsealedVault.open(provider, slot)
      vault.seal()
      assert.throws(() => vault.unwrap(toWrapped(new Uint8Array(105)), BINDING), failsWith('SEALED'))
      assert.throws(() => vault.wrap(root, BINDING), failsWith('SEALED'))
    })
  })
}

const BINDING = {
  tenant: parseTenantId('default'),
  keyId: parseKeyId('0193a73a-b400-7000-8000-000000000001'),
  version: parseVersionNumber(1),
  algorithm: 'aes256-gcm',
  purpose: 'encrypt',
} as const
