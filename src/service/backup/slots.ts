import { copyBackupKey, takeBackupKey } from '../../crypto/backup-body.ts'
import {
  isForRecoveryKey,
  unwrapByPassphrase,
  unwrapByRecovery,
  wrapForPassphrase,
  wrapForRecovery,
} from '../../crypto/backup-slot.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import { type BackupCoffre, ensureKey } from './backup-keys.ts'
import { type BackupSlot, idBytes, type KeySlot, MAX_SLOTS, viewSlot } from './manifest.ts'

/** Who shall be able to open a backup; at least one. */
export interface Recipients {
  /** The name of a managed key; it is made where there is none. */
  readonly key?: string
  readonly passphrase?: Secret
  /** Public halves of recovery keys. */
  readonly recovery?: readonly Uint8Array[]
}

/** What is at hand to open a backup. */
export interface Openers {
  readonly coffre?: Pick<BackupCoffre, 'decrypt'>
  readonly passphrase?: Secret
  /** The secret half of a recovery key. */
  readonly recoveryKey?: KeyMaterial
}

/** A slot for each recipient. Throws CONFIG_REFUSED for none, since what nobody opens is no backup, and LIMIT_EXCEEDED. */
export async function makeSlots(
  backupKey: KeyMaterial,
  id: string,
  recipients: Recipients,
  coffre: BackupCoffre,
): Promise<readonly BackupSlot[]> {
  const { key, passphrase, recovery = [] } = recipients
  const wanted = recovery.length + (key === undefined ? 0 : 1) + (passphrase === undefined ? 0 : 1)
  if (wanted > MAX_SLOTS) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'recipients', most: MAX_SLOTS } })
  }
  const bytes = idBytes(id)
  const slots: BackupSlot[] = []
  if (key !== undefined) slots.push(await wrapForKey(backupKey, id, key, coffre))
  if (passphrase !== undefined) slots.push(await wrapForPassphrase(backupKey, bytes, passphrase))
  for (const publicKey of recovery) slots.push(wrapForRecovery(backupKey, bytes, publicKey))
  if (slots.length > 0) return slots
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { at: 'recipients', expected: 'a key, a passphrase or a recovery key' },
  })
}

/** Tries whatever fits: the Coffre, the recovery key, the passphrase. Throws BACKUP_KEY_MISSING, or why the last one failed. */
export async function openSlots(
  slots: readonly BackupSlot[],
  id: string,
  openers: Openers,
): Promise<KeyMaterial> {
  let failure: unknown
  for (const slot of slots) {
    try {
      const backupKey = await openSlot(slot, id, openers)
      if (backupKey !== undefined) return backupKey
    } catch (error) {
      failure = error
    }
  }
  if (failure !== undefined) throw failure
  const facts = { slots: slots.map(describeSlot).join(', ') }
  throw new CoffreError('BACKUP_KEY_MISSING', { facts })
}

function openSlot(
  slot: BackupSlot,
  id: string,
  { coffre, passphrase, recoveryKey }: Openers,
): Promise<KeyMaterial | undefined> | KeyMaterial | undefined {
  if (slot.slot === 'key') return coffre === undefined ? undefined : openKeySlot(slot, id, coffre)
  if (slot.slot === 'recovery') {
    const fits = recoveryKey !== undefined && isForRecoveryKey(slot, recoveryKey)
    return fits ? unwrapByRecovery(slot, idBytes(id), recoveryKey) : undefined
  }
  return passphrase === undefined ? undefined : unwrapByPassphrase(slot, idBytes(id), passphrase)
}

async function openKeySlot(
  { key, ciphertext }: KeySlot,
  id: string,
  coffre: Pick<BackupCoffre, 'decrypt'>,
): Promise<KeyMaterial> {
  const { plaintext } = await coffre.decrypt({ ciphertext, key, context: slotContext(id) })
  return takeBackupKey(plaintext)
}

async function wrapForKey(
  backupKey: KeyMaterial,
  id: string,
  key: string,
  coffre: BackupCoffre,
): Promise<KeySlot> {
  await ensureKey(coffre, { name: key })
  const plaintext = copyBackupKey(backupKey)
  try {
    const { ciphertext } = await coffre.encrypt({ key, plaintext, context: slotContext(id) })
    return { slot: 'key', key, ciphertext }
  } finally {
    plaintext.fill(0)
  }
}

function slotContext(id: string) {
  return { purpose: 'backup', backup: id }
}

/** For an error: `key backup`, `recovery 0f1e2d3c4b5a6978`. */
function describeSlot(slot: BackupSlot): string {
  const view = viewSlot(slot)
  if (view.slot === 'key') return `key ${view.key}`
  return view.slot === 'recovery' ? `recovery ${view.recipient}` : 'passphrase'
}
