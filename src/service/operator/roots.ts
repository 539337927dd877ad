import { addMilliseconds, type Clock } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { RootGeneration } from '../../model/wrapped.ts'
import type { UnsealedVault } from '../../seal/vault.ts'
import type { Store, StoredRootLink, WrappedRow } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import { type Caller, systemCaller } from '../caller.ts'

/** One transaction: long enough to be worth its commit, short enough that nobody waits for it. */
const ROWS_PER_PAGE = 100
/** The root key moves at most once while a write tries again; more means that something else is wrong. */
const MAX_TRIES = 3

export interface RootsParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly vault: UnsealedVault
  /** Links stay at least so long, so that other processes of this Coffre find them. */
  readonly lingerMs: number
  /** The store has a root key that this process cannot reach any more. */
  readonly whenLost: () => void
}

/** Keeps the vault at the newest root key of the store, and brings what is stored there too. */
export class Roots {
  readonly #parts: RootsParts
  #sweep: Promise<void> | undefined
  #stopped = false

  constructor(parts: RootsParts) {
    this.#parts = parts
  }

  /** Runs a write that wraps, again where another process has rotated the root key. Throws SEALED when lost. */
  async wrapping<Result>(write: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await write()
      } catch (error) {
        if (!isRootConflict(error) || tries === MAX_TRIES) throw error
        await this.follow()
      }
    }
  }

  readonly follow = async (): Promise<void> => {
    const { store, vault, whenLost } = this.#parts
    // Links and slots of one moment.
    const { links, slots } = await store.transaction(async (tx) => ({
      links: await tx.listRootLinks(),
      slots: await tx.listSealSlots(),
    }))
    vault.follow(links)
    const newest = slots[0]?.root ?? vault.generation
    if (newest > vault.generation) {
      whenLost()
      throw new CoffreError('SEALED')
    }
    if (links.length === 0) vault.forgetBefore(vault.generation)
  }

  /**
   * Rewraps page by page what is under older root keys, and removes those when nothing is. It can die anywhere:
   * the next start goes on. Rows that do not open are left, and keep the old root key with them.
   */
  sweep(): Promise<void> {
    this.#sweep ??= this.#run().finally(() => {
      this.#sweep = undefined
    })
    return this.#sweep
  }

  /** Waits for the page under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#sweep?.catch(() => undefined)
  }

  async #run(): Promise<void> {
    await this.follow()
    const { store, vault } = this.#parts
    const backward = (await store.listRootLinks()).find(({ from, to }) => to < from)
    if (backward === undefined || backward.from !== vault.generation) return
    const damaged = new Set<string>()
    let more = true
    while (more && !this.#stopped) more = await this.#rewrapPage(backward.to, damaged)
    if (!this.#stopped && damaged.size === 0) await this.#retire(backward)
  }

  /** Answers whether there may be more. */
  async #rewrapPage(root: RootGeneration, damaged: Set<string>): Promise<boolean> {
    const { store, vault, trail } = this.#parts
    const page = await store.listWrapped(root, ROWS_PER_PAGE + damaged.size)
    const rows = page.filter((row) => !damaged.has(nameOf(row)))
    if (rows.length === 0) return false
    const rewrapped = rows.flatMap((row) => {
      const wrapped = rewrapOrSkip(vault, row)
      if (wrapped === undefined) damaged.add(nameOf(row))
      return wrapped === undefined ? [] : [{ row, wrapped }]
    })
    await store.transaction(async (tx) => {
      let count = 0
      for (const { row, wrapped } of rewrapped) if (await tx.replaceWrapped(row, wrapped)) count += 1
      if (count > 0)
        await append(trail, tx, { action: 'root.rewrap', detail: { rows: count, root: vault.generation } })
    })
    return true
  }

  async #retire(backward: StoredRootLink): Promise<void> {
    const { store, vault, trail, clock, lingerMs } = this.#parts
    if (addMilliseconds(backward.createdAt, lingerMs) > clock()) return
    try {
      await store.transaction(async (tx) => {
        // Removing comes first: a write that holds the old slots is then waited for, and counted.
        await tx.deleteRootsBefore(backward.from)
        if ((await tx.countWrapped(backward.to)) > 0)
          throw new CoffreError('CONFLICT', { facts: { part: 'root' } })
        await append(trail, tx, { action: 'root.retire', detail: { root: backward.to } })
      })
      vault.forgetBefore(backward.from)
    } catch (error) {
      if (!isRootConflict(error)) throw error
    }
  }
}

function rewrapOrSkip(vault: UnsealedVault, row: WrappedRow) {
  try {
    return vault.rewrap(row.wrapped, row.binding)
  } catch (error) {
    if (hasCode(error, 'STORE_DAMAGED')) return undefined
    throw error
  }
}

async function append(
  trail: AuditTrail,
  tx: Parameters<AuditTrail['append']>[0],
  step: { readonly action: 'root.rewrap' | 'root.retire'; readonly detail: Record<string, number> },
): Promise<void> {
  const { principal, requestId }: Caller = systemCaller('root')
  await trail.append(tx, [{ ...step, principal, requestId, outcome: 'ok' }])
}

function nameOf({ table, binding }: WrappedRow): string {
  return `${table} ${binding.keyId} ${binding.version}`
}

function isRootConflict(error: unknown): boolean {
  return error instanceof CoffreError && error.code === 'CONFLICT' && error.facts['part'] === 'root'
}
