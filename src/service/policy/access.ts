import type { ContextPairs } from '../../model/coffre.ts'
import type { KeyName, PolicyName } from '../../model/ids.ts'
import type { KeyOperation, PolicyDocument, PolicyRule, RuleOperation } from '../../model/policy.ts'
import { KEY_OPERATIONS } from '../../model/policy.ts'
import { Pattern } from './pattern.ts'

/** What rules look at. */
export interface GuardedKey {
  readonly name: KeyName
  readonly labels: { readonly tags: Readonly<Record<string, string>> }
}

/** A policy by its name, as a token carries it. */
export interface NamedDocument {
  readonly name: PolicyName
  readonly document: PolicyDocument
}

/** Which rule, for people who ask why. */
export interface RuleReference {
  readonly policy: PolicyName
  /** From 1. */
  readonly rule: number
}

/**
 * What policies say about one operation on one key.
 * `hidden`: no rule covers the key, so for this caller it does not exist. `forbidden`: one does, for other operations.
 */
export type Judgement = 'hidden' | 'forbidden' | Allowed

export interface Allowed {
  /** Whether a context is enough; rules without one allow any. */
  admits(context: ContextPairs): boolean
  /** False: every context is admitted, and there is no need to ask for each item. */
  readonly asksContext: boolean
  readonly rules: readonly RuleReference[]
}

/** Which keys a caller reaches, and for what. Immutable, so it is compiled once for many requests. */
export interface Access {
  /** Whether policies say which keys it reaches. */
  readonly isConfined: boolean
  /** Their names, also of those that are gone. */
  readonly policies: readonly PolicyName[]
  judge(operation: KeyOperation, key: GuardedKey): Judgement
  /** Whether a rule may cover a key of this name, whatever its tags. False without any look-up. */
  mayCover(name: string): boolean
  /** For what uses no key. */
  hasOperation(operation: KeyOperation): boolean
}

const ANY_CONTEXT: Allowed = { admits: () => true, asksContext: false, rules: [] }

/** Every key of the tenant: callers without policies. */
export const UNCONFINED: Access = {
  isConfined: false,
  policies: [],
  judge: () => ANY_CONTEXT,
  mayCover: () => true,
  hasOperation: () => true,
}

/** No key at all: nobody. */
export const NO_ACCESS: Access = {
  isConfined: true,
  policies: [],
  judge: () => 'hidden',
  mayCover: () => false,
  hasOperation: () => false,
}

/** `policies` are those of `names` that exist. */
export function compileAccess(names: readonly PolicyName[], policies: readonly NamedDocument[]): Access {
  const rules = policies.flatMap(({ name, document }) =>
    document.rules.map((rule, index) => new CompiledRule(rule, { policy: name, rule: index + 1 })),
  )
  return new ConfinedAccess(names, rules)
}

class ConfinedAccess implements Access {
  readonly isConfined = true
  readonly policies: readonly PolicyName[]
  readonly #rules: readonly CompiledRule[]
  readonly #byOperation: ReadonlyMap<KeyOperation, readonly CompiledRule[]>

  constructor(policies: readonly PolicyName[], rules: readonly CompiledRule[]) {
    this.policies = policies
    this.#rules = rules
    this.#byOperation = new Map(
      KEY_OPERATIONS.map((operation) => [operation, rules.filter((rule) => rule.allows(operation))]),
    )
  }

  judge(operation: KeyOperation, key: GuardedKey): Judgement {
    const allowing = this.#byOperation.get(operation)?.filter((rule) => rule.covers(key)) ?? []
    if (allowing.length === 0) return this.#rules.some((rule) => rule.covers(key)) ? 'forbidden' : 'hidden'
    const rules = allowing.map((rule) => rule.reference)
    if (allowing.some((rule) => !rule.asksContext)) return { ...ANY_CONTEXT, rules }
    return { admits: (context) => allowing.some((rule) => rule.admits(context)), asksContext: true, rules }
  }

  mayCover(name: string): boolean {
    return this.#rules.some((rule) => rule.matchesName(name))
  }

  hasOperation(operation: KeyOperation): boolean {
    return (this.#byOperation.get(operation)?.length ?? 0) > 0
  }
}

class CompiledRule {
  readonly reference: RuleReference
  readonly asksContext: boolean
  readonly #names: readonly Pattern[]
  readonly #tags: readonly (readonly [string, string])[]
  readonly #operations: ReadonlySet<RuleOperation>
  readonly #context: readonly (readonly [string, readonly Pattern[]])[]

  constructor(rule: PolicyRule, reference: RuleReference) {
    this.reference = reference
    this.#names = rule.keys.map((text) => new Pattern(text))
    this.#tags = Object.entries(rule.tags ?? {})
    this.#operations = new Set(rule.operations)
    this.#context = Object.entries(rule.context ?? {}).map(([name, values]) => [
      name,
      values.map((text) => new Pattern(text)),
    ])
    this.asksContext = this.#context.length > 0
  }

  allows(operation: KeyOperation): boolean {
    const group = operation.startsWith('data.') ? 'data.*' : 'key.*'
    return this.#operations.has(operation) || this.#operations.has(group) || this.#operations.has('*')
  }

  covers(key: GuardedKey): boolean {
    return (
      this.matchesName(key.name) &&
      this.#tags.every(([name, value]) => ownValue(key.labels.tags, name) === value)
    )
  }

  matchesName(name: string): boolean {
    return this.#names.some((pattern) => pattern.matches(name))
  }

  admits(context: ContextPairs): boolean {
    return this.#context.every(([name, patterns]) => {
      const value = ownValue(context, name)
      return typeof value === 'string' && patterns.some((pattern) => pattern.matches(value))
    })
  }
}

/** Never what an object inherits, such as `constructor`. */
function ownValue(pairs: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(pairs, name) ? pairs[name] : undefined
}
