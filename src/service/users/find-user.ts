import { CoffreError, hasCode } from '../../model/errors.ts'
import { isUserId, parseClientId, type TenantId } from '../../model/ids.ts'
import type { User } from '../../model/user.ts'
import type { ReadStore } from '../../store/store.ts'

type Finder = Pick<ReadStore, 'findUser' | 'findUserByClient'>

/** By id or client id, in one tenant; no client id looks like an id. What can be neither is not there. */
export async function findUserNamed(
  store: Finder,
  tenant: TenantId,
  name: string,
): Promise<User | undefined> {
  if (isUserId(name)) {
    const user = await store.findUser(name)
    return user?.tenant === tenant ? user : undefined
  }
  try {
    return await store.findUserByClient(tenant, parseClientId(name))
  } catch (error) {
    if (hasCode(error, 'INVALID_REQUEST')) return undefined
    throw error
  }
}

/** Throws USER_NOT_FOUND. */
export async function requireUser(store: Finder, tenant: TenantId, name: string): Promise<User> {
  const user = await findUserNamed(store, tenant, name)
  if (user === undefined) throw new CoffreError('USER_NOT_FOUND')
  return user
}
