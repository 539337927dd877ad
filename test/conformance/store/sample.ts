import { randomUUID } from 'node:crypto'
import type { AuditEvent } from '../../../src/model/audit-event.ts'
import { type Instant, toInstant } from '../../../src/model/clock.ts'
import {
  DEFAULT_TENANT,
  parseClientId,
  parseKeyId,
  parseKeyName,
  parsePolicyName,
  parseRequestId,
  parseTokenId,
  parseUserId,
  parseVersionNumber,
  type VersionNumber,
} from '../../../src/model/ids.ts'
import type { Key } from '../../../src/model/key.ts'
import type { Policy } from '../../../src/model/policy.ts'
import type { Token } from '../../../src/model/token.ts'
import type { User } from '../../../src/model/user.ts'
import { toWrapped, type Wrapped } from '../../../src/model/wrapped.ts'
import { firstVersion } from '../../../src/keyring/rotation.ts'
import type { AuditHead, Store, StoredAuditRecord } from '../../../src/store/store.ts'

export const NOW: Instant = toInstant(1_800_000_000_000)
export const LATER: Instant = toInstant(NOW + 1_000)

export const SAMPLE_EVENT: AuditEvent = {
  action: 'key.rotate',
  principal: { kind: 'local', id: '', tenant: DEFAULT_TENANT },
  requestId: parseRequestId('request-1'),
  outcome: 'ok',
}

export function versionNumber(number: number): VersionNumber {
  return parseVersionNumber(number)
}

export function sampleKey(changes: Partial<Key> = {}): Key {
  return {
    id: parseKeyId(randomUUID()),
    tenant: DEFAULT_TENANT,
    name: parseKeyName('database_encryption'),
    algorithm: 'aes256-gcm',
    purpose: 'encrypt',
    labels: {
      description: 'Données de consommation',
      owner: 'platform',
      environment: 'production',
      securityLevel: 'high',
      tags: { team: 'énergie', 'cost-centre': '42' },
    },
    createdAt: NOW,
    updatedAt: NOW,
    epoch: 0,
    floor: versionNumber(1),
    versions: [firstVersion({ now: NOW })],
    ...changes,
  }
}

/** 64 bytes that occur nowhere else, so that a search of the files for them means something. */
export function sampleWrapped(): Wrapped {
  return toWrapped(Uint8Array.from(Buffer.from(`wrapped material ${randomUUID()} 0123456789`.slice(0, 64))))
}

export function materials(...wrapped: readonly [number, Wrapped][]): ReadonlyMap<VersionNumber, Wrapped> {
  return new Map(wrapped.map(([version, bytes]) => [versionNumber(version), bytes]))
}

export async function storeKey(store: Store, key: Key): Promise<Key> {
  const wrapped = key.versions.map((each): [number, Wrapped] => [each.version, sampleWrapped()])
  await store.transaction((tx) => tx.insertKey(key, materials(...wrapped)))
  return key
}

export function sampleToken(changes: Partial<Token> = {}): Token {
  return {
    id: parseTokenId(randomUUID().slice(0, 8)),
    tenant: DEFAULT_TENANT,
    name: 'ci',
    description: '',
    role: 'app',
    policies: [],
    cidrs: [],
    hash: 'ab'.repeat(32),
    createdAt: NOW,
    ...changes,
  }
}

export function samplePolicy(changes: Partial<Policy> = {}): Policy {
  const rule = { keys: ['é-*'], operations: ['data.encrypt'], context: { tenant: ['a'] } } as const
  return {
    tenant: DEFAULT_TENANT,
    name: parsePolicyName('billing'),
    document: { rules: [rule] },
    epoch: 1,
    createdAt: NOW,
    updatedAt: NOW,
    ...changes,
  }
}

export function sampleRecords(from: number, count: number): readonly StoredAuditRecord[] {
  return Array.from({ length: count }, (_, position) => {
    const index = from + position
    return { index, body: `{"index":${index},"note":"é"}`, leafHash: new Uint8Array(32).fill(index % 256) }
  })
}

export function sampleHead(size: number): AuditHead {
  const ones = size.toString(2).replaceAll('0', '').length
  return {
    size,
    rootHash: new Uint8Array(32).fill(size % 256),
    frontier: new Uint8Array(32 * ones).fill(size % 251),
  }
}

export function appendRecords(store: Store, from: number, count: number): Promise<void> {
  return store.transaction((tx) => tx.appendAudit(sampleRecords(from, count), sampleHead(from + count)))
}

export function sampleUser(changes: Partial<User> = {}): User {
  const id = parseUserId(`usr_${randomUUID().replaceAll('-', '').slice(0, 10)}`)
  return {
    id,
    tenant: DEFAULT_TENANT,
    clientId: parseClientId(id),
    secretHash: 'a'.repeat(64),
    createdAt: NOW,
    updatedAt: NOW,
    epoch: 1,
    ...changes,
  }
}
