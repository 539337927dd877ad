import { type Instant, formatInstant } from '../model/clock.ts'
import type { AuditEvent, Principal } from '../model/audit-event.ts'

const RECORD_FORMAT = 1
export const NO_PREVIOUS = '0'.repeat(64)

export interface RecordPlace {
  readonly index: number
  /** Hex leaf hash of the record before. */
  readonly previous: string
  readonly at: Instant
}

/** The bytes that are stored and hashed (docs/spec/audit-log.md). JSON leaves out absent members. */
export function formatRecord(place: RecordPlace, event: AuditEvent): string {
  return JSON.stringify({
    v: RECORD_FORMAT,
    i: place.index,
    prev: place.previous,
    at: formatInstant(place.at),
    action: event.action,
    by: formatPrincipal(event.principal),
    tenant: event.principal.tenant,
    request: event.requestId,
    outcome: event.outcome,
    code: event.code,
    key: event.key,
    keyId: event.keyId,
    version: event.version,
    uses: event.uses,
    failed: event.failed,
    detail: event.detail,
  })
}

function formatPrincipal(principal: Principal): string {
  return principal.id === '' ? principal.kind : `${principal.kind}:${principal.id}`
}
