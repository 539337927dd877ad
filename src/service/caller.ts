import { randomUuid } from '../crypto/random.ts'
import type { Principal } from '../model/audit-event.ts'
import { DEFAULT_TENANT, parseRequestId, type RequestId, type TenantId, type UserId } from '../model/ids.ts'
import type { Role } from '../model/token.ts'
import { type Access, UNCONFINED } from './policy/access.ts'

/** Who asks, with what role, in which request. Every service method takes one first. */
export interface Caller {
  readonly principal: Principal
  readonly role: Role
  /** The keys that policies leave to it. */
  readonly access: Access
  readonly requestId: RequestId
  /** Exactly for the role `user`: whose row it may reach. */
  readonly user?: UserId
  /** Where the request came from, as far as it came through a network. */
  readonly address?: string
  /** A token's: it was valid when at least this many changes were committed. */
  readonly asOf?: number
  /** DER of the client certificate of its connection, where TLS verified one. */
  readonly certificate?: Uint8Array | undefined
}

export function newRequestId(): RequestId {
  return parseRequestId(randomUuid())
}

/** Whoever holds the data folder and its seal key: the embedded library and CLI. */
export function localCaller(): Caller {
  return {
    principal: { kind: 'local', id: '', tenant: DEFAULT_TENANT },
    role: 'admin',
    access: UNCONFINED,
    requestId: newRequestId(),
  }
}

/** A job of Coffre's own, in the tenant that it acts for. */
export function systemCaller(job: string, tenant: TenantId = DEFAULT_TENANT): Caller {
  return {
    principal: { kind: 'system', id: job, tenant },
    role: 'admin',
    access: UNCONFINED,
    requestId: newRequestId(),
  }
}
