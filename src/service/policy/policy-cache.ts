import { CoffreError } from '../../model/errors.ts'
import { DEFAULT_POLICY, type PolicyName, type TenantId } from '../../model/ids.ts'
import type { PolicyDocument } from '../../model/policy.ts'
import type { Token } from '../../model/token.ts'
import type { Change } from '../../store/changes.ts'
import type { ReadStore } from '../../store/store.ts'
import type { ChangeListener } from '../change-feed.ts'
import { type Access, compileAccess, NO_ACCESS, UNCONFINED } from './access.ts'
import { parsePolicyDocument } from './policy-document.ts'

/** What app tokens could do before there were policies. */
export const BUILT_IN_DEFAULT: PolicyDocument = {
  rules: [{ keys: ['*'], operations: ['data.*', 'key.read'] }],
}

/** Sets of policies, not tokens: a fleet of tokens with the same policies shares one. */
const MAX_SETS = 1_024

/** Compiled policies by tenant and names, so that a data operation reads and compiles nothing. */
export class PolicyCache implements ChangeListener {
  readonly #store: ReadStore
  readonly #compiled = new Map<string, Access>()
  /** As in TokenCache. */
  #changes = 0

  constructor(store: ReadStore) {
    this.#store = store
  }

  async accessOf(token: Pick<Token, 'tenant' | 'role' | 'policies'>): Promise<Access> {
    if (token.role === 'user') return NO_ACCESS
    const names = policiesOf(token)
    if (names.length === 0) return UNCONFINED
    // Neither tenants nor names hold a slash or a comma.
    const set = `${token.tenant}/${names.join(',')}`
    return this.#compiled.get(set) ?? this.#load(set, token.tenant, names)
  }

  forget(change: Change): void {
    if (!['key', 'token', 'root', 'session'].includes(change.kind)) this.forgetAll()
  }

  /** After a policy has changed: it may be in any set, and changes are rare. */
  forgetAll(): void {
    this.#changes += 1
    this.#compiled.clear()
  }

  async #load(set: string, tenant: TenantId, names: readonly PolicyName[]): Promise<Access> {
    const before = this.#changes
    const policies = await Promise.all(names.map((name) => this.#read(tenant, name)))
    const access = compileAccess(
      names,
      policies.flatMap((each) => each ?? []),
    )
    if (before !== this.#changes) return access
    if (this.#compiled.size >= MAX_SETS) this.#compiled.clear()
    this.#compiled.set(set, access)
    return access
  }

  async #read(tenant: TenantId, name: PolicyName) {
    const document = await readDocument(this.#store, tenant, name)
    return document === undefined ? undefined : { name, document }
  }
}

/** The stored document, or the built-in one of `default`. */
async function readDocument(
  store: ReadStore,
  tenant: TenantId,
  name: PolicyName,
): Promise<PolicyDocument | undefined> {
  const policy = await store.findPolicy(tenant, name)
  if (policy === undefined) return name === DEFAULT_POLICY ? BUILT_IN_DEFAULT : undefined
  try {
    return parsePolicyDocument(policy.document)
  } catch (cause) {
    throw new CoffreError('STORE_DAMAGED', { facts: { table: 'policy' }, cause })
  }
}

/** None: it is not confined. */
function policiesOf({ role, policies }: Pick<Token, 'role' | 'policies'>): readonly PolicyName[] {
  return role === 'app' && policies.length === 0 ? [DEFAULT_POLICY] : policies
}
