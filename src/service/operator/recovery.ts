import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import {
  knownKeySeal,
  restoreSealKeyFile,
  type SealKeyText,
  writeSealKeyText,
} from '../../seal/seal-key-text.ts'
import { UnsealedVault } from '../../seal/vault.ts'
import type { SealSlot, Store } from '../../store/store.ts'
import { type FindSealProvider, newestSlots } from './unsealing.ts'

/** The seal key of a key file or the environment, once it was seen to open the slot. */
export async function readSealKeyText(
  store: Store,
  findSealProvider: FindSealProvider,
): Promise<SealKeyText> {
  const slot = await requireKeySlot(store)
  const provider = findSealProvider(slot.provider)
  const vault = await UnsealedVault.open(provider, slot.wrapped, slot.root)
  vault.seal()
  return writeSealKeyText(provider)
}

/** Writes the key file of a sheet back to `path`. Throws PASSPHRASE_WRONG when it is not the one of this store. */
export async function restoreSealKey(
  store: Store,
  sheet: { readonly text: Secret; readonly path: string },
): Promise<void> {
  const slot = await requireKeySlot(store)
  const name = slot.provider === 'file' ? 'file' : 'environment'
  const vault = await UnsealedVault.open(knownKeySeal(name, sheet.text), slot.wrapped, slot.root)
  vault.seal()
  await restoreSealKeyFile(sheet.path, sheet.text)
}

async function requireKeySlot(store: Store): Promise<SealSlot> {
  const slots = await newestSlots(store)
  const slot = slots.find(({ provider }) => provider === 'file' || provider === 'environment')
  if (slot !== undefined) return slot
  const facts = { at: 'seal', expected: 'file or environment', given: slots[0]?.provider ?? 'none' }
  throw new CoffreError('INVALID_REQUEST', { facts })
}
