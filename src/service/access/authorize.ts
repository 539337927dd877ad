import { CoffreError } from '../../model/errors.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { isGranted, type Permission } from './permission.ts'

/** Resolves when the caller's role grants it; otherwise the refusal is recorded and FORBIDDEN thrown. */
export async function authorize(trail: AuditTrail, caller: Caller, permission: Permission): Promise<void> {
  if (isGranted(caller.role, permission)) return
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
