import type { SelectQueryBuilder, Selectable } from 'kysely'
import type { Instant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  type KeyId,
  type KeyName,
  parseVersionNumber,
  type TenantId,
  type VersionNumber,
} from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import { toWrapped, type Wrapped } from '../../model/wrapped.ts'
import type { ListKeysQuery } from '../store.ts'
import { continueKey, type KeyJoinRow, toKeys } from './key-row.ts'
import type { Database, KeyTable, Schema } from './schema.ts'
import { parseStored } from './stored-row.ts'

const FIRST_VERSION = parseVersionNumber(1)

type ChosenKeys = SelectQueryBuilder<Schema, 'key', Selectable<KeyTable>>

/** `lock`: no other writer gets the row before this transaction ends. */
export interface Reading {
  readonly lock: boolean
}

export interface KeyPlace {
  readonly tenant: TenantId
  readonly name: KeyName
  /** An earlier state of it. */
  readonly known: Key | undefined
}

export async function findKey(db: Database, place: KeyPlace, reading: Reading): Promise<Key | undefined> {
  const { tenant, name, known } = place
  const chosen = locked(allKeys(db).where('tenant', '=', tenant).where('name', '=', name), reading)
  const continued = known === undefined ? undefined : await readSince(db, chosen, known)
  return continued ?? theOnly(await readKeys(db, chosen))
}

export async function findKeyById(db: Database, id: KeyId, reading: Reading): Promise<Key | undefined> {
  return theOnly(await readKeys(db, locked(allKeys(db).where('id', '=', id), reading)))
}

export async function listKeys(db: Database, query: ListKeysQuery): Promise<readonly Key[]> {
  const { tenant, after, limit } = query
  const chosen = allKeys(db).where('tenant', '=', tenant).orderBy('name').limit(limit)
  return await readKeys(db, after === undefined ? chosen : chosen.where('name', '>', after))
}

export async function listKeysToDestroy(db: Database, now: Instant): Promise<readonly Key[]> {
  const chosen = allKeys(db)
    .where('destroy_at', '<=', now)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('key_version')
          .select('version')
          .whereRef('key_id', '=', 'key.id')
          .where('state', '<>', 'destroyed'),
      ),
    )
  return await readKeys(db, chosen)
}

export async function readWrapped(
  db: Database,
  id: KeyId,
  from = FIRST_VERSION,
): Promise<ReadonlyMap<VersionNumber, Wrapped>> {
  const rows = await db
    .selectFrom('key_version')
    .select(['version', 'wrapped'])
    .where('key_id', '=', id)
    .where('version', '>=', from)
    .where('wrapped', 'is not', null)
    .$narrowType<{ wrapped: Uint8Array }>()
    .orderBy('version')
    .execute()
  return new Map(
    rows.map((row) => [
      parseStored('key_version', () => parseVersionNumber(row.version)),
      toWrapped(row.wrapped),
    ]),
  )
}

function allKeys(db: Database): ChosenKeys {
  return db.selectFrom('key').selectAll()
}

function locked(chosen: ChosenKeys, { lock }: Reading): ChosenKeys {
  return lock ? chosen.forUpdate() : chosen
}

/** `undefined` when more than rotations lies between `known` and what is stored. */
async function readSince(db: Database, chosen: ChosenKeys, known: Key): Promise<Key | undefined> {
  const active = known.versions.findLast(({ state }) => state.name === 'active')
  const from = (active ?? known.versions.at(-1))?.version ?? FIRST_VERSION
  return continueKey(known, from, await readRows(db, chosen, from))
}

async function readKeys(db: Database, chosen: ChosenKeys): Promise<readonly Key[]> {
  return toKeys(await readRows(db, chosen, FIRST_VERSION))
}

/** One statement for keys and versions: two could see a commit between them. */
async function readRows(
  db: Database,
  chosen: ChosenKeys,
  from: VersionNumber,
): Promise<readonly KeyJoinRow[]> {
  return await db
    .selectFrom(chosen.as('key'))
    .leftJoin('key_version', (join) =>
      join.onRef('key_version.key_id', '=', 'key.id').on('key_version.version', '>=', from),
    )
    .selectAll('key')
    .select([
      'key_version.version',
      'key_version.state',
      'key_version.since',
      'key_version.resumes_to',
      'key_version.created_at as version_created_at',
      'key_version.public_key',
      'key_version.origin',
    ])
    .orderBy('key.tenant')
    .orderBy('key.name')
    .orderBy('key_version.version')
    .execute()
}

function theOnly(keys: readonly Key[]): Key | undefined {
  if (keys.length > 1) throw new CoffreError('STORE_DAMAGED', { facts: { table: 'key' } })
  return keys[0]
}
