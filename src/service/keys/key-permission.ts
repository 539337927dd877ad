import type { AuditAction } from '../../model/audit-event.ts'
import type { KeyPermission } from '../../model/policy.ts'

/** What is recorded when a key changes. */
export type KeyAction = Extract<AuditAction, `key.${string}`>

/** An action without a row does not compile. docs/design/access.md tells why an operator has `key.move`. */
const PERMISSION: Readonly<Record<KeyAction, KeyPermission>> = {
  'key.create': 'key.create',
  'key.update': 'key.update',
  'key.rotate': 'key.rotate',
  'key.prepare': 'key.rotate',
  'key.rollback': 'key.rotate',
  'key.suspend': 'key.move',
  'key.resume': 'key.move',
  'key.deactivate': 'key.move',
  'key.compromise': 'key.move',
  'key.floor': 'key.move',
  'key.schedule-destroy': 'key.destroy',
  'key.cancel-destroy': 'key.destroy',
  'key.destroy': 'key.destroy',
  'key.import-params': 'key.create',
  'key.import': 'key.create',
  'key.import-version': 'key.create',
  'key.export': 'key.export',
}

export function permissionFor(action: KeyAction): KeyPermission {
  return PERMISSION[action]
}
