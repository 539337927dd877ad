import { setTimeout } from 'node:timers/promises'
import { CoffreError } from '../../src/model/errors.ts'
import type { Store, StoreTransaction } from '../../src/store/store.ts'
import type { Calls } from './nth-call.ts'

/**
 * `error`: it did not happen. `answer lost`: it happened, and the caller is told that it did not. `time-out`: no
 * answer until the driver gives up, and it did not happen. `late`: the same, and it happened after all.
 */
export const FAULT_KINDS = ['error', 'answer lost', 'time-out', 'late'] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** Lets call number `at` fail, once. Calls are counted while it is armed. */
export class FaultPlan {
  readonly #driverBoundMs: number
  #at = 0
  #kind: FaultKind = 'error'
  #names: string[] = []
  #reached: string | undefined
  #ending: Promise<unknown> | undefined

  /** `driverBoundMs`: when a driver gives up on a statement. */
  constructor(driverBoundMs: number) {
    this.#driverBoundMs = driverBoundMs
  }

  arm(at: number, kind: FaultKind): void {
    this.#at = at
    this.#kind = kind
    this.#names = []
    this.#reached = undefined
    this.#ending = undefined
  }

  /** A late call has ended then. */
  async disarm(): Promise<Calls> {
    this.#at = 0
    await this.#ending
    return { reached: this.#reached, names: this.#names }
  }

  async call<Result>(name: string, proceed: () => Promise<Result>): Promise<Result> {
    if (this.#at === 0) return await proceed()
    this.#names.push(name)
    if (this.#names.length !== this.#at) return await proceed()
    this.#reached = name
    const slow = this.#kind === 'time-out' || this.#kind === 'late'
    if (slow) this.#ending = setTimeout(this.#driverBoundMs)
    await this.#ending
    if (this.#kind === 'answer lost' || this.#kind === 'late') await proceed()
    throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'injected' } })
  }
}

/** A store whose every call, begin and commit included, goes through `plan`. */
export function faultyStore(real: Store, plan: FaultPlan): Store {
  return intercept(real, plan, {
    transaction: (work: (tx: StoreTransaction) => Promise<unknown>) => runFaulty(real, plan, work),
    close: () => real.close(),
  })
}

async function runFaulty(
  real: Store,
  plan: FaultPlan,
  work: (tx: StoreTransaction) => Promise<unknown>,
): Promise<unknown> {
  await plan.call('begin', async () => undefined)
  let lostAnswer: unknown
  const result = await real.transaction(async (tx) => {
    const faultyTransaction = new FaultyTransaction(tx, plan)
    const done = await work(faultyTransaction.tx)
    faultyTransaction.throwIfFailed()
    let happened = false
    try {
      await plan.call('commit', async () => {
        happened = true
      })
    } catch (error) {
      if (!happened) throw error
      lostAnswer = error
    }
    return done
  })
  if (lostAnswer !== undefined) throw lostAnswer
  return result
}

/** A statement that failed ends its transaction, whatever the work does about the error. */
class FaultyTransaction {
  readonly tx: StoreTransaction
  #failure: unknown

  constructor(tx: StoreTransaction, plan: FaultPlan) {
    this.tx = intercept(tx, {
      call: async (name, proceed) => {
        this.throwIfFailed()
        let answered = false
        try {
          return await plan.call(name, async () => {
            const result = await proceed()
            answered = true
            return result
          })
        } catch (error) {
          // A refusal of the store itself (CONFLICT, KEY_EXISTS) leaves the transaction usable.
          if (answered || isInjected(error)) this.#failure = error
          throw error
        }
      },
    })
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

function isInjected(error: unknown): boolean {
  return error instanceof CoffreError && error.facts['reason'] === 'injected'
}

type Call = <Result>(name: string, proceed: () => Promise<Result>) => Promise<Result>

function intercept<Target extends object>(
  target: Target,
  plan: { readonly call: Call },
  own: object = {},
): Target {
  return new Proxy(target, {
    get(real, name) {
      if (name in own) return Reflect.get(own, name)
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => plan.call(String(name), async () => member.apply(real, given))
    },
  })
}
