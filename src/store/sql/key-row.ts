import { isAlgorithmName, isKeyPurpose } from '../../model/algorithm-name.ts'
import { toInstant } from '../../model/clock.ts'
import { parseKeyId, parseKeyName, parseTenantId, parseVersionNumber } from '../../model/ids.ts'
import { isSecurityLevel, type Key, type KeyLabels, type KeyVersion } from '../../model/key.ts'
import { isKeyStateName, type KeyState } from '../../model/key-state.ts'
import type { KeyTable, KeyVersionTable } from './schema.ts'
import { parseStored, toCount, toMember } from './stored-row.ts'

/** A key beside one of its versions, as the join gives it. The right side is NULL only in a damaged store. */
export interface KeyJoinRow extends KeyTable {
  readonly version: number | null
  readonly state: string | null
  readonly since: number | null
  readonly resumes_to: string | null
  readonly version_created_at: number | null
  readonly public_key: string | null
  readonly origin: string | null
}

/** `rows` are ordered so that those of one key follow each other, by version. */
export function toKeys(rows: readonly KeyJoinRow[]): readonly Key[] {
  const groups: [KeyJoinRow, ...KeyJoinRow[]][] = []
  for (const row of rows) {
    const group = groups.at(-1)
    if (group?.[0].id === row.id) group.push(row)
    else groups.push([row])
  }
  return groups.map((group) => parseStored('key', () => toKey(group)))
}

/**
 * The key whose versions `rows` are from `from` on, those before taken from `known`, an earlier state of it.
 * `undefined` when that does not give what is stored. Each change raises the epoch by one at least, and one that adds
 * a version adds one and touches no other than the active. So where both have risen by the same number, only
 * rotations lie between.
 */
export function continueKey(known: Key, from: number, rows: readonly KeyJoinRow[]): Key | undefined {
  const [row, ...others] = rows
  if (row?.id !== known.id) return undefined
  const kept = known.versions.slice(0, from - 1)
  const rotations = row.epoch - known.epoch
  if (rotations < 0 || kept.length + rows.length - known.versions.length !== rotations) return undefined
  const key = parseStored('key', () => toKey([row, ...others], kept))
  const isSame = known.versions.slice(kept.length).every((each) => isOneVersion(each, key))
  return isSame ? key : undefined
}

/** What stays for the life of a version differs where an older database was restored under this process. */
function isOneVersion({ version, createdAt, publicKey }: KeyVersion, { versions }: Key): boolean {
  const stored = versions[version - 1]
  return stored?.createdAt === createdAt && stored.publicKey === publicKey
}

/** `kept`: versions before those of `rows`. */
function toKey(rows: readonly [KeyJoinRow, ...KeyJoinRow[]], kept: readonly KeyVersion[] = []): Key {
  const [row] = rows
  const key = {
    id: parseKeyId(row.id),
    tenant: parseTenantId(row.tenant),
    name: parseKeyName(row.name),
    algorithm: toMember(row.algorithm, isAlgorithmName),
    purpose: toMember(row.purpose, isKeyPurpose),
    labels: toLabels(row),
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
    epoch: toCount(row.epoch),
    floor: parseVersionNumber(row.floor),
    ...(row.exportable === 1 ? { exportable: true as const } : {}),
    versions: kept.concat(rows.map((each, position) => toVersion(each, kept.length + position + 1))),
  }
  return row.destroy_at === null ? key : { ...key, destroyAt: toInstant(row.destroy_at) }
}

function toLabels(row: KeyTable): KeyLabels {
  return {
    description: row.description,
    owner: row.owner,
    environment: row.environment,
    securityLevel: toMember(row.security_level, isSecurityLevel),
    tags: parseTags(row.tags),
  }
}

function parseTags(json: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not tags')
  const pairs = Object.entries(value)
  if (!pairs.every(([, text]) => typeof text === 'string')) throw new TypeError('not tags')
  return Object.fromEntries(pairs)
}

function toVersion(row: KeyJoinRow, number: number): KeyVersion {
  if (row.version !== number || row.version_created_at === null) throw new RangeError('a version is missing')
  const version = {
    version: parseVersionNumber(row.version),
    state: toState(row),
    createdAt: toInstant(row.version_created_at),
    ...(toMember(row.origin, isOrigin) === 'imported' ? { origin: 'imported' as const } : {}),
  }
  return row.public_key === null ? version : { ...version, publicKey: row.public_key }
}

function isOrigin(value: unknown): value is 'generated' | 'imported' {
  return value === 'generated' || value === 'imported'
}

function toState(row: KeyJoinRow): KeyState {
  const name = toMember(row.state, isKeyStateName)
  const since = toInstant(row.since ?? Number.NaN)
  if (name !== 'suspended') return { name, since }
  return { name, since, resumesTo: toMember(row.resumes_to, isResumption) }
}

function isResumption(value: unknown): value is 'active' | 'deactivated' {
  return value === 'active' || value === 'deactivated'
}

export function toKeyRow(key: Key): KeyTable {
  return {
    id: key.id,
    tenant: key.tenant,
    name: key.name,
    algorithm: key.algorithm,
    purpose: key.purpose,
    description: key.labels.description,
    owner: key.labels.owner,
    environment: key.labels.environment,
    security_level: key.labels.securityLevel,
    tags: JSON.stringify(key.labels.tags),
    created_at: key.createdAt,
    updated_at: key.updatedAt,
    epoch: key.epoch,
    floor: key.floor,
    destroy_at: key.destroyAt ?? null,
    exportable: key.exportable === true ? 1 : 0,
  }
}

export function toStateRow(state: KeyState): Pick<KeyVersionTable, 'state' | 'since' | 'resumes_to'> {
  const resumesTo = state.name === 'suspended' ? state.resumesTo : null
  return { state: state.name, since: state.since, resumes_to: resumesTo }
}
