import { CoffreError } from '../../model/errors.ts'
import { DEFAULT_TENANT } from '../../model/ids.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { isBeyondKeys, isGranted, isOfInstallation, type Permission } from './permission.ts'

/**
 * Resolves when the caller has the permission at all; which keys it reaches is `caller.access`. Otherwise the
 * refusal is recorded and FORBIDDEN thrown.
 */
export async function authorize(trail: AuditTrail, caller: Caller, permission: Permission): Promise<void> {
  if (hasPermission(caller, permission)) return
  await refuse(trail, caller, permission)
}

function hasPermission(caller: Caller, permission: Permission): boolean {
  if (!isGranted(caller.role, permission)) return false
  if (isOfInstallation(permission) && caller.principal.tenant !== DEFAULT_TENANT) return false
  return !caller.access.isConfined || !isBeyondKeys(permission)
}

/** Records what was missing and throws FORBIDDEN. */
export async function refuse(trail: AuditTrail, caller: Caller, permission: string): Promise<never> {
  await trail.commit({
    action: 'access.refused',
    principal: caller.principal,
    requestId: caller.requestId,
    outcome: 'refused',
    code: 'FORBIDDEN',
    detail: { permission },
  })
  throw new CoffreError('FORBIDDEN')
}
