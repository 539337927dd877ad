import type { ContextPairs } from '../../model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import type { TenantId } from '../../model/ids.ts'
import type { KeyOperation } from '../../model/policy.ts'
import type { Caller } from '../caller.ts'
import { type Access, type Allowed, type GuardedKey, UNCONFINED } from './access.ts'

/** The cause of an error that says less than it knows; the audit record says the rest. */
class OutsidePolicy extends Error {}

/** The keys that one caller reaches for one operation. */
export class Reach {
  readonly tenant: TenantId
  readonly #access: Access
  readonly #operation: KeyOperation

  constructor(caller: Pick<Caller, 'access' | 'principal'>, operation: KeyOperation) {
    this.tenant = caller.principal.tenant
    this.#access = caller.access
    this.#operation = operation
  }

  /** Every key of a tenant, for jobs of Coffre's own. */
  static whole(tenant: TenantId, operation: KeyOperation): Reach {
    return new Reach({ access: UNCONFINED, principal: { kind: 'system', id: '', tenant } }, operation)
  }

  /** Whether a key of this name may exist for the caller; needs no look-up. */
  mayCover(name: string): boolean {
    return this.#access.mayCover(name)
  }

  /** Whether the key exists for the caller. */
  sees(key: GuardedKey): boolean {
    return this.#access.judge(this.#operation, key) !== 'hidden'
  }

  /** Whether the caller may do it, whatever the context. */
  allows(key: GuardedKey): boolean {
    return typeof this.#access.judge(this.#operation, key) === 'object'
  }

  /** Throws FORBIDDEN; `hidden`, or KEY_NOT_FOUND, for a key that does not exist for the caller. */
  requireKey(key: GuardedKey, hidden: ErrorCode = 'KEY_NOT_FOUND'): Allowed {
    const judgement = this.#access.judge(this.#operation, key)
    if (judgement === 'hidden') throw hiddenKey(hidden)
    if (judgement === 'forbidden') throw forbidden()
    return judgement
  }

  /** For a key that is not there yet, and for what uses no key. Throws FORBIDDEN. */
  requireNew(key: GuardedKey): void {
    if (!this.allows(key)) throw forbidden()
  }

  requireOperation(): void {
    if (!this.#access.hasOperation(this.#operation)) throw forbidden()
  }
}

/** Throws FORBIDDEN. */
export function requireContext(allowed: Allowed, context: ContextPairs): void {
  if (allowed.asksContext && !allowed.admits(context)) throw forbidden()
}

export function hiddenKey(code: ErrorCode = 'KEY_NOT_FOUND'): CoffreError {
  return new CoffreError(code, { cause: new OutsidePolicy() })
}

function forbidden(): CoffreError {
  return new CoffreError('FORBIDDEN', { cause: new OutsidePolicy() })
}

/** Whether a policy refused it, whatever it says. */
export function isOutsidePolicy(error: CoffreError): boolean {
  return error.cause instanceof OutsidePolicy
}
