import assert from 'node:assert/strict'
import { type Clock, toInstant } from '../../src/model/clock.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import { checkInvariants, codeOf, Ledger } from './invariants.ts'
import type { Attempt, Subject, SweptOperation } from './swept-operations.ts'

/**
 * SQLite's method: for each operation, call number 1, 2, 3 … fails once, until the operation runs through
 * without reaching it. After each the invariants hold, memory agrees with the store, and a retry works.
 */
export interface Rig<Kind extends string> {
  /** Kinds after which the operation has happened although it failed. */
  readonly mayHaveHappened: ReadonlySet<Kind>
  /** Opens what fails on demand. Where two cannot be open at once, `close` comes before the next `open`. */
  open(choice: { readonly clock: Clock; readonly sealed: boolean }): Promise<Subject>
  close(subject: Subject): Promise<void>
  /** Calls are counted from here on; number `at` fails. */
  arm(at: number, kind: Kind): void
  /** Runs the operation, where calls of others in between are not to be counted as its own. */
  attempt?<Result>(work: () => Promise<Result>): Promise<Result>
  /** Once the call that failed has ended. */
  disarm(): Promise<Calls>
  /** When no step follows. Absent: it holds nothing that others need. */
  end?(): Promise<void>
}

export interface Calls {
  /** The call that failed. */
  readonly reached: string | undefined
  /** Every call, in order. */
  readonly names: readonly string[]
}

export interface SweepResult {
  readonly operation: string
  /** By kind: how many calls there were, and how many of them have failed once. */
  readonly calls: Readonly<Record<string, { readonly failed: number; readonly of: number }>>
}

/** For a note. */
export function formatCalls({ calls }: SweepResult): string {
  const parts = Object.entries(calls).map(([kind, { failed, of }]) => `${kind}: ${failed} of ${of}`)
  return parts.join('; ')
}

/** What a failed store may show. */
const FAILURES: ReadonlySet<ErrorCode | undefined> = new Set([
  undefined,
  'STORE_UNAVAILABLE',
  'AUDIT_UNAVAILABLE',
])
/** What a second attempt may find when the first has happened after all. */
const DONE_ALREADY: ReadonlySet<ErrorCode | undefined> = new Set([
  undefined,
  'KEY_EXISTS',
  'MOVE_REFUSED',
  'KEY_SUSPENDED',
  'KEY_VERSION_UNUSABLE',
  'KEY_PENDING_DESTRUCTION',
  'POLICY_EXISTS',
  'POLICY_NOT_FOUND',
  'USER_EXISTS',
  'USER_NOT_FOUND',
  'LOGIN_ROLE_EXISTS',
  'LOGIN_ROLE_NOT_FOUND',
])
/** No operation makes so many; one that does never ends. */
const MAX_CALLS = 200

export interface SweepChoice<Kind extends string> {
  /** A new store each time, so that checking it whole stays quick. */
  readonly makeRig: (operation: SweptOperation) => Promise<Rig<Kind>>
  readonly kinds: readonly Kind[]
  /** `cold`: with nothing in memory. `warm`: with the key in it. */
  readonly starts: (kind: Kind) => readonly ('cold' | 'warm')[]
  /** Which calls fail, of those that an attempt without a fault has made. Absent: every one. */
  readonly sample?: (names: readonly string[]) => readonly number[]
}

/** The first two, the last two, every commit and every fourth. */
export function sampleCalls(names: readonly string[]): readonly number[] {
  const last = names.length - 1
  const isIn = (index: number): boolean => index < 2 || index > last - 2 || index % 4 === 0
  return names.flatMap((name, index) => (isIn(index) || /^commit\b/i.test(name) ? [index + 1] : []))
}

/** One operation through every call, with every kind of fault. */
export async function sweep<Kind extends string>(
  choice: SweepChoice<Kind>,
  operation: SweptOperation,
): Promise<SweepResult> {
  const calls: Record<string, { failed: number; of: number }> = {}
  for (const kind of choice.kinds) {
    for (const start of choice.starts(kind)) {
      let sweeper = new Sweeper(await choice.makeRig(operation), operation)
      const attempt = async (fault: Fault<Kind>): Promise<Calls> => {
        if (operation.growsWithStore === true) {
          await sweeper.end()
          sweeper = new Sweeper(await choice.makeRig(operation), operation)
        }
        return sweeper.attempt(fault)
      }
      const fault = { kind, warm: start === 'warm' }
      const count = await (choice.sample === undefined
        ? failEvery(attempt, fault)
        : failSome(attempt, fault, choice.sample))
      await sweeper.end()
      assert.ok(count.failed > 0, `${operation.name} makes no call`)
      calls[`${kind}, ${start}`] = count
    }
  }
  return { operation: operation.name, calls }
}

type Try<Kind extends string> = (fault: Fault<Kind>) => Promise<Calls>

/** Until it runs through without reaching the fault, so that none is left out. */
async function failEvery<Kind extends string>(attempt: Try<Kind>, fault: Omit<Fault<Kind>, 'at'>) {
  let at = 1
  while ((await attempt({ ...fault, at })).reached !== undefined) {
    at += 1
    assert.ok(at < MAX_CALLS, 'it never runs through')
  }
  return { failed: at - 1, of: at - 1 }
}

async function failSome<Kind extends string>(
  attempt: Try<Kind>,
  fault: Omit<Fault<Kind>, 'at'>,
  sample: (names: readonly string[]) => readonly number[],
) {
  const { names } = await attempt({ ...fault, at: MAX_CALLS })
  const chosen = sample(names)
  for (const at of chosen) {
    const { reached } = await attempt({ ...fault, at })
    assert.ok(reached !== undefined, `call ${at} of ${names.length} was not made again`)
  }
  return { failed: chosen.length, of: names.length }
}

interface Fault<Kind> {
  readonly at: number
  readonly kind: Kind
  readonly warm: boolean
}

class Sweeper<Kind extends string> {
  readonly #rig: Rig<Kind>
  readonly #operation: SweptOperation
  /** Of every attempt, for the end. */
  readonly #all = new Ledger()
  #number = 0
  #now = 1_800_000_000_000

  constructor(rig: Rig<Kind>, operation: SweptOperation) {
    this.#rig = rig
    this.#operation = operation
  }

  async attempt(fault: Fault<Kind>): Promise<Calls> {
    this.#number += 1
    const ledger = new Ledger()
    const attempt: Attempt = {
      key: `k-${this.#number}`,
      ledger,
      passTime: (milliseconds) => {
        this.#now += milliseconds
      },
      note: '',
    }
    await this.#with(false, (subject) => this.#prepare(subject, attempt))
    const sealed = this.#operation.sealed === true
    let calls: Calls = { reached: undefined, names: [] }
    await this.#with(sealed, async (subject) => {
      calls = await this.#fail(subject, attempt, fault)
    })
    await this.#with(false, ({ coffre }) => checkInvariants(coffre, ledger))
    this.#all.add(ledger)
    return calls
  }

  /** What an attempt left must also have outlived the attempts after it. */
  async end(): Promise<void> {
    await this.#with(false, ({ coffre }) => checkInvariants(coffre, this.#all))
    await this.#rig.end?.()
  }

  async #prepare(subject: Subject, attempt: Attempt): Promise<void> {
    const { coffre } = subject
    const { key, ledger } = attempt
    ledger.settle(await coffre.keys.create({ name: key }))
    for (const context of [undefined, { place: 'a' }]) {
      if (context !== undefined) ledger.settle(await coffre.keys.rotate(key))
      const plaintext = `${key} ${JSON.stringify(context)}`
      const { ciphertext, version } = await coffre.encrypt({ key, plaintext, ...(context && { context }) })
      ledger.keep({ ciphertext, plaintext, key, version, ...(context && { context }) })
    }
    await this.#operation.prepare?.(subject, attempt)
  }

  async #fail(subject: Subject, attempt: Attempt, fault: Fault<Kind>): Promise<Calls> {
    const { name, run } = this.#operation
    const { coffre } = subject
    const { ledger, key } = attempt
    if (fault.warm) await this.#warm(subject, attempt)
    const before = await subject.core.audit.size()
    this.#rig.arm(fault.at, fault.kind)
    const attempted = () => codeOf(() => run(subject, attempt))
    const code = await (this.#rig.attempt?.(attempted) ?? attempted())
    const calls = await this.#rig.disarm()
    const { reached } = calls
    const where = `${name}, call ${fault.at} (${reached ?? 'none'}), ${fault.kind}`
    assert.ok(FAILURES.has(code), `${where}: ${code}`)
    if (reached === undefined) assert.equal(code, undefined, where)
    await this.#checkRecorded({ subject, before, code, where })
    if (subject.core.isSealed) await coffre.operator.unseal()
    await checkInvariants(coffre, ledger)
    await this.#checkMemory(coffre, key, where)
    await this.#operation.compare?.(subject, attempt)
    await this.#retry(subject, attempt, { ...fault, reached, code, where })
    return calls
  }

  /** So that memory holds what was true before the change. */
  async #warm(subject: Subject, attempt: Attempt): Promise<void> {
    const { warm, sealed } = this.#operation
    if (sealed === true) return
    if (warm !== undefined) return warm(subject, attempt)
    await codeOf(() => subject.coffre.encrypt({ key: attempt.key, plaintext: 'warm' }))
  }

  /** An answer has its record; an error may have one, where only the answer was lost. */
  async #checkRecorded(outcome: {
    readonly subject: Subject
    readonly before: number
    readonly code: ErrorCode | undefined
    readonly where: string
  }): Promise<void> {
    const { subject, before, code, where } = outcome
    const more = await countSince(subject, this.#operation, before)
    if (code === undefined) assert.ok(more >= 1, `${where}: answered without a record`)
    assert.ok(more <= 1, `${where}: ${more} records`)
  }

  /** A change that is stored is also what memory works with: nothing is protected under a version of before. */
  async #checkMemory(coffre: Coffre, key: string, where: string): Promise<void> {
    const stored = (await coffre.keys.list({ limit: 1_000 })).find(({ name }) => name === key)
    const code = await codeOf(async () => {
      const { version } = await coffre.encrypt({ key, plaintext: 'x' })
      assert.equal(version, stored?.currentVersion, `${where}: memory protects under another version`)
    })
    const stopped = stored?.destroyAt !== undefined || stored?.currentVersion === undefined
    assert.equal(code !== undefined, stopped, `${where}: memory says ${code}, the store says ${stopped}`)
  }

  async #retry(
    subject: Subject,
    attempt: Attempt,
    first: Fault<Kind> & {
      readonly reached: string | undefined
      readonly code: ErrorCode | undefined
      readonly where: string
    },
  ): Promise<void> {
    if (first.reached === undefined || first.code === undefined) return
    if (this.#operation.sealed === true) return
    const before = await subject.core.audit.size()
    const again = await codeOf(() => this.#operation.run(subject, attempt))
    const happened = this.#rig.mayHaveHappened.has(first.kind)
    if (again === undefined && !happened) {
      const more = await countSince(subject, this.#operation, before)
      assert.ok(more > 0, `${first.where}: a second attempt is answered without a record`)
    }
    const fine = happened ? DONE_ALREADY.has(again) : again === undefined
    assert.ok(fine, `${first.where}: a second attempt ends with ${again}`)
    if (subject.core.isSealed) await subject.coffre.operator.unseal()
  }

  async #with(sealed: boolean, work: (subject: Subject) => Promise<void>): Promise<void> {
    const clock: Clock = () => toInstant((this.#now += 1))
    const subject = await this.#rig.open({ clock, sealed })
    try {
      await work(subject)
    } finally {
      await this.#rig.close(subject)
    }
  }
}

/** How many successes of this operation the log holds from `before` on. */
async function countSince({ core }: Subject, { action }: SweptOperation, before: number): Promise<number> {
  const records = await core.audit.list(before, 1_000)
  return records.filter((record) => record.action === action && record.outcome === 'ok').length
}
