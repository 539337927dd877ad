import type { SealedMessage } from '../../crypto/algorithm.ts'
import { HEADER_CHARACTERS, readMagic, readTextHeader } from '../../crypto/ciphertext-header.ts'
import type { KeyPurpose } from '../../model/algorithm-name.ts'
import type {
  Decrypted,
  DecryptRequest,
  Verified,
  VerifyMacRequest,
  VerifyRequest,
} from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { Batch } from './batch.ts'
import type { DataKeys, UsableVersion } from './data-keys.ts'
import { readCiphertext, readContext, readMessage } from './input.ts'
import { Turn } from './turn.ts'
import { type Reach, requireContext } from '../policy/reach.ts'

const OPENS: readonly KeyPurpose[] = ['encrypt', 'wrap']

interface Sealed extends SealedMessage {
  readonly index: number
  readonly key: string | undefined
}

/** The operations that read what an earlier version may have made. */
export class Read {
  readonly #keys: DataKeys

  constructor(keys: DataKeys) {
    this.#keys = keys
  }

  async decrypt(reach: Reach, items: readonly DecryptRequest[]): Promise<Batch<Decrypted>> {
    const batch = new Batch<Decrypted>(items.length)
    const groups = new Map<string, Sealed[]>()
    for (const [index, item] of items.entries()) {
      batch.attempt(index, () => {
        const ciphertext = readCiphertext(item.ciphertext)
        const sealed = { index, ciphertext, context: readContext(item.context), key: item.key }
        const name = groupName(sealed)
        const group = groups.get(name)
        if (group === undefined) groups.set(name, [sealed])
        else group.push(sealed)
      })
    }
    const turn = new Turn()
    for (const group of groups.values()) {
      for await (const slice of turn.slices(group)) await this.#decryptGroup(reach, slice, batch)
    }
    return batch
  }

  verify(reach: Reach, items: readonly VerifyRequest[]): Promise<Batch<Verified>> {
    return this.#judge(reach, items, {
      purposes: ['sign'],
      isValid: ({ row, version }, item) =>
        row.signing?.verify(version.material, readMessage(item.message), item.signature) === true,
    })
  }

  verifyMac(reach: Reach, items: readonly VerifyMacRequest[]): Promise<Batch<Verified>> {
    return this.#judge(reach, items, {
      purposes: ['mac'],
      isValid: ({ row, version }, item) =>
        row.mac?.verify(version.material, readMessage(item.message), item.mac) === true,
    })
  }

  async #decryptGroup(reach: Reach, group: readonly Sealed[], batch: Batch<Decrypted>): Promise<void> {
    try {
      for (const usable of await this.#findVersions(reach, group)) {
        refuseContexts(usable, group, batch)
        openGroup(
          usable,
          group.filter(({ index }) => batch.isOpen(index)),
          batch,
        )
      }
      for (const { index } of group) {
        if (batch.isOpen(index)) batch.fail(index, new CoffreError('DECRYPTION_FAILED'))
      }
    } catch (error) {
      if (!(error instanceof CoffreError)) throw error
      for (const { index } of group) batch.fail(index, error)
    }
  }

  async #findVersions(reach: Reach, group: readonly Sealed[]): Promise<readonly UsableVersion[]> {
    const [first] = group
    const header = first === undefined ? undefined : readTextHeader(first.ciphertext)
    if (header !== undefined) {
      return [await this.#keys.forDecrypting(reach, { ...header, purposes: OPENS })]
    }
    if (first?.key === undefined) throw new CoffreError('DECRYPTION_FAILED')
    return this.#keys.candidates(reach, first.key, { purposes: OPENS, use: 'process' })
  }

  async #judge<Item extends { readonly key: string; readonly version?: number }>(
    reach: Reach,
    items: readonly Item[],
    work: {
      readonly purposes: readonly KeyPurpose[]
      isValid(usable: UsableVersion, item: Item): boolean
    },
  ): Promise<Batch<Verified>> {
    const batch = new Batch<Verified>(items.length)
    const turn = new Turn()
    for (const [index, item] of items.entries()) {
      await turn.pauseIfLong()
      try {
        const wanted = { purposes: work.purposes, use: 'verify', version: item.version } as const
        const usable = await this.#keys.candidates(reach, item.key, wanted)
        const valid = usable.find((each) => work.isValid(each, item))
        if (valid === undefined) throw new CoffreError('SIGNATURE_INVALID')
        batch.countUse(valid.key, valid.version)
        batch.succeed(index, { key: valid.key.name, version: valid.version.version })
      } catch (error) {
        if (!(error instanceof CoffreError)) throw error
        batch.fail(index, error)
      }
    }
    return batch
  }
}

/** Ciphertexts of one key version go together: their headers are equal as text, and are read once. */
function groupName(sealed: Sealed): string {
  const isOurs = readMagic(sealed.ciphertext)
  return `${isOurs ? sealed.ciphertext.slice(0, HEADER_CHARACTERS) : ''} ${sealed.key ?? ''}`
}

/** Before any cryptography: a context that the caller's policies do not allow. */
function refuseContexts(usable: UsableVersion, group: readonly Sealed[], batch: Batch<Decrypted>): void {
  if (!usable.allowed.asksContext) return
  for (const { index, context } of group) {
    if (batch.isOpen(index)) batch.attempt(index, () => requireContext(usable.allowed, context))
  }
}

function openGroup(usable: UsableVersion, group: readonly Sealed[], batch: Batch<Decrypted>): void {
  const { key, row, version } = usable
  const plaintexts = row.encryption?.openMany(version, group) ?? []
  for (const [offset, { index, key: named }] of group.entries()) {
    const plaintext = plaintexts[offset]
    // A caller who names a key says that no other will do.
    if (plaintext === undefined || (named !== undefined && named !== key.name)) continue
    batch.countUse(key, version)
    batch.succeed(index, { plaintext, key: key.name, version: version.version })
  }
}
