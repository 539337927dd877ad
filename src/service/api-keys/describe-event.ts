import type { AuditAction, AuditEvent } from '../../model/audit-event.ts'
import type { Caller } from '../caller.ts'

export function describeEvent(
  { principal, requestId }: Caller,
  action: AuditAction,
  detail: NonNullable<AuditEvent['detail']>,
): AuditEvent {
  return { action, principal, requestId, outcome: 'ok', detail }
}
