import type { AuditAction } from '../../model/audit-event.ts'
import { type Clock, formatInstant } from '../../model/clock.ts'
import type { PolicyTestRequest, PolicyTestResult, PolicyView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { DEFAULT_POLICY, parsePolicyName, type PolicyName } from '../../model/ids.ts'
import { MAX_POLICIES } from '../../model/limits.ts'
import type { Policy, PolicyDocument } from '../../model/policy.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { BUILT_IN_DEFAULT, type PolicyCache } from './policy-cache.ts'
import { parsePolicyDocument } from './policy-document.ts'
import { testPolicy } from './policy-test.ts'

export interface PolicyServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly cache: PolicyCache
}

const BUILT_IN_VIEW: PolicyView = { name: DEFAULT_POLICY, document: BUILT_IN_DEFAULT, epoch: 0 }

type PolicyAction = Extract<AuditAction, `policy.${string}`>

/** The documents of a tenant. Reading them needs no root key. */
export class PolicyService {
  readonly #parts: PolicyServiceParts

  constructor(parts: PolicyServiceParts) {
    this.#parts = parts
  }

  /** Throws POLICY_EXISTS. */
  create(caller: Caller, name: string, document: PolicyDocument): Promise<PolicyView> {
    return this.#change(caller, { action: 'policy.create', name }, async (tx, policyName) => {
      const { tenant } = caller.principal
      if ((await tx.listPolicies(tenant)).length >= MAX_POLICIES) {
        throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'policies', maximum: MAX_POLICIES } })
      }
      const policy = this.#describe(caller, policyName, parsePolicyDocument(document))
      await tx.insertPolicy(policy)
      return viewPolicy(policy)
    })
  }

  async list(caller: Caller): Promise<readonly PolicyView[]> {
    await authorize(this.#parts.trail, caller, 'policy.read')
    const stored = (await this.#parts.store.listPolicies(caller.principal.tenant)).map(viewPolicy)
    if (stored.some(({ name }) => name === DEFAULT_POLICY)) return stored
    return [...stored, BUILT_IN_VIEW].toSorted((left, right) => (left.name < right.name ? -1 : 1))
  }

  /** Throws POLICY_NOT_FOUND. */
  async get(caller: Caller, name: string): Promise<PolicyView> {
    await authorize(this.#parts.trail, caller, 'policy.read')
    const policyName = parsePolicyName(name)
    const stored = await this.#parts.store.findPolicy(caller.principal.tenant, policyName)
    if (stored !== undefined) return viewPolicy(stored)
    if (policyName !== DEFAULT_POLICY) throw new CoffreError('POLICY_NOT_FOUND')
    return BUILT_IN_VIEW
  }

  /** Throws POLICY_NOT_FOUND, and CONFLICT when `epoch` is given and not the stored one. */
  update(
    caller: Caller,
    name: string,
    change: { readonly document: PolicyDocument; readonly epoch?: number | undefined },
  ): Promise<PolicyView> {
    return this.#change(caller, { action: 'policy.update', name }, async (tx, policyName) => {
      const document = parsePolicyDocument(change.document)
      const before = await tx.findPolicy(caller.principal.tenant, policyName)
      if (before === undefined && policyName !== DEFAULT_POLICY) throw new CoffreError('POLICY_NOT_FOUND')
      if (change.epoch !== undefined && change.epoch !== (before?.epoch ?? BUILT_IN_VIEW.epoch)) {
        throw new CoffreError('CONFLICT')
      }
      if (before === undefined) {
        const policy = this.#describe(caller, policyName, document)
        await tx.insertPolicy(policy)
        return viewPolicy(policy)
      }
      const after = { ...before, document, epoch: before.epoch + 1, updatedAt: this.#parts.clock() }
      await tx.updatePolicy(before, after)
      return viewPolicy(after)
    })
  }

  /** Throws POLICY_NOT_FOUND, for the built-in `default` too. */
  async delete(caller: Caller, name: string): Promise<void> {
    await this.#change(caller, { action: 'policy.delete', name }, async (tx, policyName) => {
      await tx.deletePolicy(caller.principal.tenant, policyName)
    })
  }

  async test(caller: Caller, request: PolicyTestRequest): Promise<PolicyTestResult> {
    await authorize(this.#parts.trail, caller, 'policy.read')
    return testPolicy(this.#parts, caller, request)
  }

  /** One transaction with its record; a refusal leaves a record too. */
  async #change<Result>(
    caller: Caller,
    asked: { readonly action: PolicyAction; readonly name: string },
    work: (tx: StoreTransaction, name: PolicyName) => Promise<Result>,
  ): Promise<Result> {
    const { store, trail, cache } = this.#parts
    await authorize(trail, caller, 'policy.change')
    const name = parsePolicyName(asked.name)
    const { principal, requestId } = caller
    const event = { action: asked.action, principal, requestId, detail: { policy: name } }
    try {
      const result = await store.transaction(async (tx) => {
        const made = await work(tx, name)
        await trail.append(tx, [{ ...event, outcome: 'ok' }])
        return made
      })
      cache.forgetAll()
      return result
    } catch (error) {
      if (error instanceof CoffreError && error.code !== 'STORE_UNAVAILABLE') {
        await trail.commit({ ...event, outcome: 'refused', code: error.code })
      }
      throw error
    }
  }

  #describe(caller: Caller, name: PolicyName, document: PolicyDocument): Policy {
    const now = this.#parts.clock()
    return { tenant: caller.principal.tenant, name, document, epoch: 1, createdAt: now, updatedAt: now }
  }
}

function viewPolicy({ name, document, epoch, createdAt, updatedAt }: Policy): PolicyView {
  return {
    name,
    document,
    epoch,
    createdAt: formatInstant(createdAt),
    updatedAt: formatInstant(updatedAt),
  }
}
