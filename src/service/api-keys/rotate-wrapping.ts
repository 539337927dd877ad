import type { FernetRing } from '../../crypto/fernet-ring.ts'
import type { RotatedWrapping, WrappingForm } from '../../model/api-key.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { StoredApiKey, User } from '../../model/user.ts'
import type { Store } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { Turn } from '../data/turn.ts'
import { type ApiKeyVault, formOf } from './api-key-vault.ts'
import { describeEvent } from './describe-event.ts'
import { isRevoked, noteInUse, noteOnlyInUse, readInUse } from './fernet-checks.ts'
import type { OwnKey } from './own-key.ts'
import { pages } from './pages.ts'

export interface RotateParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly own: OwnKey
  readonly ring: FernetRing | undefined
  readonly vault: ApiKeyVault
  readonly countLegacyWrites: (count: number) => void
}

export interface Rotation {
  readonly caller: Caller
  readonly form: WrappingForm
  readonly tell: (done: number, of: number) => void
}

/** What one look at all rows has found and done. */
interface Pass {
  readonly rotated: number
  readonly unreadable: number
  /** Rows that somebody changed meanwhile; the next pass looks again. */
  readonly conflicts: number
  /** Unreadable Fernet tokens: the key that they need must stay known. */
  readonly lostFernet: number
}

/**
 * Encrypts every stored key again that is not under the newest key of the form. Each row is compared and swapped, so that
 * a key which its user stores meanwhile stays; and one that is read meanwhile opens before and after.
 */
export async function rotateWrapping(parts: RotateParts, rotation: Rotation): Promise<RotatedWrapping> {
  const { own, store, clock, ring } = parts
  const { form, caller } = rotation
  const total = await countKeys(store)
  // Rows under an older version: a run that was interrupted goes on instead of beginning another.
  if (form === 'own' && (await isEveryOwnRowCurrent(parts))) await own.rotate()
  let rotated = 0
  for (;;) {
    if (form === 'fernet') await requireUsableRing(parts)
    // Whatever is stored from here on, by anybody, is under these or newer.
    const [before, floor] = [await readInUse(store), await own.currentVersion()]
    const pass = await passOver(parts, rotation, (done) => rotation.tell(rotated + done, total))
    rotated += pass.rotated
    // A pass that changed nothing and met nobody has seen every row under the newest key.
    if (pass.rotated > 0 || pass.conflicts > 0) continue
    if (pass.unreadable === 0) await own.destroyVersionsBelow(floor)
    await store.transaction(async (tx) => {
      const target = form === 'fernet' && total > 0 ? ring : undefined
      if (pass.lostFernet === 0) await noteOnlyInUse(tx, { before, ring: target }, clock())
      const detail = { form, rows: rotated, unreadable: pass.unreadable }
      await parts.trail.append(tx, [describeEvent(caller, 'api-key.rotate-wrapping', detail)])
    })
    return { form, rotated, unreadable: pass.unreadable }
  }
}

/** Also while the rotation runs: the keys of everybody may be revoked meanwhile. */
export async function requireUsableRing({ store, ring }: Pick<RotateParts, 'store' | 'ring'>): Promise<void> {
  if (ring !== undefined && !(await isRevoked(store, ring))) return
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { FERNET_SECRET_KEY: 'a key that was not revoked; make one with `coffre fernet keygen`' },
  })
}

async function passOver(parts: RotateParts, rotation: Rotation, tell: (done: number) => void): Promise<Pass> {
  let pass: Pass = { rotated: 0, unreadable: 0, conflicts: 0, lostFernet: 0 }
  const turn = new Turn()
  for await (const users of pages(parts.store)) {
    const changes: Change[] = []
    for (const user of users) {
      // A store may answer without ever letting the process do anything else.
      await turn.pauseIfLong()
      const change = await sealAgain(parts, user, rotation.form)
      if (change === 'unreadable') {
        const isFernet = formOf(user.apiKey?.encrypted ?? '') === 'fernet'
        pass = {
          ...pass,
          unreadable: pass.unreadable + 1,
          lostFernet: pass.lostFernet + (isFernet ? 1 : 0),
        }
      } else if (change !== 'current') changes.push(change)
    }
    const conflicts = await swap(parts, changes, rotation.form)
    if (rotation.form === 'fernet') parts.countLegacyWrites(changes.length - conflicts)
    pass = {
      ...pass,
      rotated: pass.rotated + changes.length - conflicts,
      conflicts: pass.conflicts + conflicts,
    }
    tell(pass.rotated)
  }
  return pass
}

interface Change {
  readonly before: User
  readonly apiKey: StoredApiKey
}

async function sealAgain(
  { vault, store }: RotateParts,
  user: User,
  form: WrappingForm,
): Promise<Change | 'current' | 'unreadable'> {
  const { apiKey } = user
  if (apiKey === undefined) return 'current'
  const opened = await vault.open(user)
  if (opened?.is !== 'open') return 'unreadable'
  try {
    if (await vault.isCurrent(apiKey.encrypted, form, store)) return 'current'
    const encrypted = await vault.seal(opened.bytes, { user, provider: apiKey.provider }, form)
    return { before: user, apiKey: { ...apiKey, encrypted } }
  } finally {
    opened.bytes.fill(0)
  }
}

/** Answers how many rows were not as they were read any more. */
async function swap(parts: RotateParts, changes: readonly Change[], form: WrappingForm): Promise<number> {
  const { store, vault, ring, clock } = parts
  if (changes.length === 0) return 0
  return store.transaction(async (tx) => {
    if (form === 'fernet' && ring !== undefined) {
      if (await isRevoked(tx, ring)) return changes.length
      await noteInUse(tx, ring, clock())
    }
    let conflicts = 0
    for (const { before, apiKey } of changes) {
      try {
        // Another rotation may have begun since, and erases what this one has used.
        if (!(await vault.isCurrent(apiKey.encrypted, form, tx))) throw new CoffreError('CONFLICT')
        await tx.updateUser(before, { ...before, apiKey, epoch: before.epoch + 1 })
      } catch (error) {
        if (!hasCode(error, 'CONFLICT')) throw error
        conflicts += 1
      }
    }
    return conflicts
  })
}

/** Also where there is none: then a rotation begins. */
async function isEveryOwnRowCurrent({ store, vault }: RotateParts): Promise<boolean> {
  for await (const users of pages(store)) {
    for (const user of users) {
      const { apiKey } = user
      if (apiKey === undefined || formOf(apiKey.encrypted) === 'fernet') continue
      if (await vault.isCurrent(apiKey.encrypted, 'own', store)) continue
      // One that never opens again waits for nothing.
      const opened = await vault.open(user)
      if (opened?.is !== 'open') continue
      opened.bytes.fill(0)
      return false
    }
  }
  return true
}

async function countKeys(store: Store): Promise<number> {
  let count = 0
  for await (const users of pages(store)) count += users.length
  return count
}
