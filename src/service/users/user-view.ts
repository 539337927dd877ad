import { formatInstant } from '../../model/clock.ts'
import type { User, UserView } from '../../model/user.ts'

/** What surfaces show of a user: neither a hash nor anything encrypted. */
export function viewUser({ id, clientId, tenant, createdAt, updatedAt }: User): UserView {
  return {
    id,
    clientId,
    tenant,
    createdAt: formatInstant(createdAt),
    updatedAt: formatInstant(updatedAt),
  }
}
