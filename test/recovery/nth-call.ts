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
  /** Answers the call that failed, once it has ended. */
  disarm(): Promise<string | undefined>
}

export interface SweepResult {
  readonly operation: string
  /** By kind: how many calls there were, each of which has failed once. */
  readonly calls: Readonly<Record<string, number>>
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
])
/** No operation makes so many; one that does never ends. */
const MAX_CALLS = 200

export interface SweepChoice<Kind extends string> {
  /** A new store each time, so that checking it whole stays quick. */
  readonly makeRig: (operation: SweptOperation) => Promise<Rig<Kind>>
  readonly kinds: readonly Kind[]
  /** `cold`: with nothing in memory. `warm`: with the key in it. */
  readonly starts: (kind: Kind) => readonly ('cold' | 'warm')[]
}

/** One operation through every call, with every kind of fault. */
export async function sweep<Kind extends string>(
  choice: SweepChoice<Kind>,
  operation: SweptOperation,
): Promise<SweepResult> {
  const calls: Record<string, number> = {}
  for (const kind of choice.kinds) {
    for (const start of choice.starts(kind)) {
      const sweeper = new Sweeper(await choice.makeRig(operation), operation)
      let at = 1
      while (await sweeper.attempt({ at, kind, warm: start === 'warm' })) {
        at += 1
        assert.ok(at < MAX_CALLS, `${operation.name} never runs through`)
      }
      await sweeper.checkAll()
      assert.ok(at > 1, `${operation.name} makes no call`)
      calls[`${kind}, ${start}`] = at - 1
    }
  }
  return { operation: operation.name, calls }
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

  /** Answers whether the fault was reached. */
  async attempt(fault: Fault<Kind>): Promise<boolean> {
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
    let reached: string | undefined
    await this.#with(sealed, async (subject) => {
      reached = await this.#fail(subject, attempt, fault)
    })
    await this.#with(false, ({ coffre }) => checkInvariants(coffre, ledger))
    this.#all.add(ledger)
    return reached !== undefined
  }

  /** What an attempt left must also have outlived the attempts after it. */
  async checkAll(): Promise<void> {
    await this.#with(false, ({ coffre }) => checkInvariants(coffre, this.#all))
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

  async #fail(subject: Subject, attempt: Attempt, fault: Fault<Kind>): Promise<string | undefined> {
    const { name, run } = this.#operation
    const { coffre } = subject
    const { ledger, key } = attempt
    if (fault.warm) await this.#warm(subject, attempt)
    const before = await subject.core.audit.size()
    this.#rig.arm(fault.at, fault.kind)
    const code = await codeOf(() => run(subject, attempt))
    const reached = await this.#rig.disarm()
    const where = `${name}, call ${fault.at} (${reached ?? 'none'}), ${fault.kind}`
    assert.ok(FAILURES.has(code), `${where}: ${code}`)
    if (reached === undefined) assert.equal(code, undefined, where)
    await this.#checkRecorded({ subject, before, code, where })
    if (subject.core.isSealed) await coffre.operator.unseal()
    await checkInvariants(coffre, ledger)
    await this.#checkMemory(coffre, key, where)
    await this.#operation.compare?.(subject, attempt)
    await this.#retry(subject, attempt, { ...fault, reached, code, where })
    return reached
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
