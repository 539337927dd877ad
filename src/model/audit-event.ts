import type { KeyId, KeyName, RequestId, TenantId } from './ids.ts'
import type { ErrorCode } from './errors.ts'
import { BACKUP_ACTIONS } from './backup-trail.ts'

/** Everything that leaves a record. */
export const AUDIT_ACTIONS = [
  'coffre.init',
  'coffre.unseal',
  'coffre.seal',
  'ceremony.begin',
  'ceremony.authorize',
  'ceremony.collect',
  'ceremony.cancel',
  'ceremony.take-over',
  'seal.rekey',
  'root.rotate',
  'root.rewrap',
  'root.retire',
  'key.create',
  'key.update',
  'key.rotate',
  'key.prepare',
  'key.rollback',
  'key.suspend',
  'key.resume',
  'key.deactivate',
  'key.compromise',
  'key.floor',
  'key.schedule-destroy',
  'key.cancel-destroy',
  'key.destroy',
  'key.import-params',
  'key.import',
  'key.import-version',
  'key.export',
  'data.encrypt',
  'data.decrypt',
  'data.rewrap',
  'data.sign',
  'data.verify',
  'data.mac',
  'data.verify-mac',
  'data.data-key',
  'data.derive-key',
  'data.random',
  'data.diagnose',
  'data.encrypt-stream',
  'data.decrypt-stream',
  'data.decrypt-range',
  'token.create',
  'token.renew',
  'token.revoke',
  'policy.create',
  'policy.update',
  'policy.delete',
  'login-role.create',
  'login-role.delete',
  'session.revoke',
  'user.create',
  'user.rotate-secret',
  'user.delete',
  'cache.create-key',
  'cache.note-source',
  'cache.rekey',
  'cache.migrate',
  'cache.purge',
  'cache.erase',
  'cache.tamper',
  'api-key.set',
  'api-key.remove',
  'api-key.test',
  'api-key.use',
  'api-key.rotate-wrapping',
  'api-key.revoke-all',
  ...BACKUP_ACTIONS,
  'access.refused',
  'access.unauthenticated',
  'audit.accept-restore',
  'audit.copy-lost',
] as const

export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** Who asked. `local` is whoever holds the data folder and its seal key. */
export interface Principal {
  readonly kind: 'token' | 'user' | 'local' | 'system' | 'anonymous'
  readonly id: string
  readonly tenant: TenantId
}

/** How often an operation used one version of one key. */
export interface KeyUseCount {
  readonly key: KeyName
  readonly keyId: KeyId
  readonly version: number
  readonly count: number
}

/** One event. It never holds plaintext, key bytes, tokens or a caller's context. */
export interface AuditEvent {
  readonly action: AuditAction
  readonly principal: Principal
  readonly requestId: RequestId
  readonly outcome: 'ok' | 'refused' | 'partial'
  readonly code?: ErrorCode
  readonly key?: KeyName
  readonly keyId?: KeyId
  readonly version?: number
  /** Data operations: what was used, and how many items failed. */
  readonly uses?: readonly KeyUseCount[]
  readonly failed?: number
  /** The id or name of a token, a state, a count: never a value of a user. */
  readonly detail?: Readonly<Record<string, string | number>>
}
