import { CoffreError } from '../../model/errors.ts'
import type { KeyId, VersionNumber } from '../../model/ids.ts'
import type { Key, KeyVersion } from '../../model/key.ts'
import { rootOf, type Wrapped } from '../../model/wrapped.ts'
import { toKeyRow, toStateRow } from './key-row.ts'
import { requireNewestRoot } from './roots.ts'
import type { Database, KeyTable, KeyVersionTable } from './schema.ts'

type Materials = ReadonlyMap<VersionNumber, Wrapped>

export async function insertKey(db: Database, key: Key, materials: Materials): Promise<void> {
  await requireNewestRoot(db, materials.values())
  const inserted = await db
    .insertInto('key')
    .values(toKeyRow(key))
    .onConflict((conflict) => conflict.columns(['tenant', 'name']).doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new CoffreError('KEY_EXISTS')
  const rows = key.versions.map((version) => toVersionRow(key.id, version, materials))
  await db.insertInto('key_version').values(rows).execute()
}

/** What one write changed, so that the store knows whether material was erased. */
export interface KeyChange {
  readonly destroyedVersions: number
}

export interface KeyUpdate {
  readonly before: Key
  readonly after: Key
  readonly materials: Materials
}

export async function updateKey(db: Database, update: KeyUpdate): Promise<KeyChange> {
  const { before, after, materials } = update
  await requireNewestRoot(db, materials.values())
  await updateKeyRow(db, before, after)
  const changed = after.versions.filter((version, at) => changedState(before.versions[at], version))
  const added = after.versions.slice(before.versions.length)
  refuseUnexpected(update, { added, changed })
  // The index of active versions holds after every statement, so a version leaves `active` before
  // another enters it.
  for (const version of [...changed.filter(isNotActive), ...changed.filter(isActive)]) {
    await updateVersion(db, after.id, version)
  }
  if (added.length > 0) {
    const rows = added.map((version) => toVersionRow(after.id, version, materials))
    await db.insertInto('key_version').values(rows).execute()
  }
  return { destroyedVersions: changed.filter(isDestroyed).length }
}

async function updateKeyRow(db: Database, before: Key, after: Key): Promise<void> {
  if (after.id !== before.id || after.epoch <= before.epoch) throw new Error('unreachable: not a later key')
  const updated = await db
    .updateTable('key')
    .set(differences(toKeyRow(before), toKeyRow(after)))
    .where('id', '=', before.id)
    .where('epoch', '=', before.epoch)
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new CoffreError('CONFLICT')
}

function differences(before: KeyTable, after: KeyTable): Partial<KeyTable> {
  const old = new Map<string, unknown>(Object.entries(before))
  return Object.fromEntries(Object.entries(after).filter(([column, value]) => old.get(column) !== value))
}

/** Material is written once, with its version: a second write could only lose the first. */
function refuseUnexpected(
  { before, after, materials }: KeyUpdate,
  { added, changed }: { readonly added: readonly KeyVersion[]; readonly changed: readonly KeyVersion[] },
): void {
  if (after.versions.length < before.versions.length)
    throw new Error('unreachable: a version never goes away')
  const steppedDown = (each: KeyVersion): boolean =>
    before.versions[each.version - 1]?.state.name === 'active'
  if (added.length > 1 || (added.length === 1 && !changed.every(steppedDown)))
    throw new Error('unreachable: a new version comes alone')
  const versions = new Set(added.map((version) => version.version))
  const strays = [...materials.keys()].filter((version) => !versions.has(version))
  if (strays.length > 0) throw new Error('unreachable: material for a version that is not new')
}

async function updateVersion(db: Database, id: KeyId, version: KeyVersion): Promise<void> {
  const state = toStateRow(version.state)
  const updated = await db
    .updateTable('key_version')
    .set(isDestroyed(version) ? { ...state, wrapped: null } : state)
    .where('key_id', '=', id)
    .where('version', '=', version.version)
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n)
    throw new CoffreError('STORE_DAMAGED', { facts: { table: 'key_version' } })
}

export interface UsesOfVersion {
  readonly id: KeyId
  readonly version: VersionNumber
  readonly count: number
}

export async function reserveUses(db: Database, wanted: UsesOfVersion): Promise<number> {
  const { id, version, count } = wanted
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError('uses are counted in whole numbers')
  const row = await db
    .updateTable('key_version')
    .set((eb) => ({ uses: eb('uses', '+', count) }))
    .where('key_id', '=', id)
    .where('version', '=', version)
    .returning('uses')
    .executeTakeFirst()
  if (row === undefined) throw new CoffreError('KEY_VERSION_NOT_FOUND')
  return row.uses
}

function toVersionRow(id: KeyId, version: KeyVersion, materials: Materials): KeyVersionTable {
  const wrapped = materials.get(version.version)
  if ((wrapped === undefined) !== isDestroyed(version)) {
    throw new Error('unreachable: every version has its material until it is destroyed')
  }
  return {
    key_id: id,
    version: version.version,
    ...toStateRow(version.state),
    created_at: version.createdAt,
    public_key: version.publicKey ?? null,
    origin: version.origin ?? 'generated',
    wrapped: wrapped ?? null,
    uses: 0,
    root: wrapped === undefined ? 1 : rootOf(wrapped),
  }
}

function changedState(before: KeyVersion | undefined, after: KeyVersion): boolean {
  if (before === undefined || before.state === after.state) return false
  const [old, now] = [toStateRow(before.state), toStateRow(after.state)]
  return old.state !== now.state || old.since !== now.since || old.resumes_to !== now.resumes_to
}

function isActive(version: KeyVersion): boolean {
  return version.state.name === 'active'
}

function isNotActive(version: KeyVersion): boolean {
  return !isActive(version)
}

function isDestroyed(version: KeyVersion): boolean {
  return version.state.name === 'destroyed'
}
