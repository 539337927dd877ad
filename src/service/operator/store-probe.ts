import { CoffreError } from '../../model/errors.ts'
import type { Store } from '../../store/store.ts'

/** Each probe of writes is a commit, and anybody may ask. */
const WRITE_PROBE_MS = 1_000

/** Whether a store works, for whoever watches it. */
export class StoreProbe {
  readonly #store: Store
  #writes: { readonly at: number; readonly answer: Promise<boolean> } = {
    at: Number.NEGATIVE_INFINITY,
    answer: Promise.resolve(false),
  }

  constructor(store: Store) {
    this.#store = store
  }

  canRead(): Promise<boolean> {
    return holds(this.#store.readAuditHead())
  }

  /** Without writes no data operation is answered. Asked at most once a second. */
  canWrite(): Promise<boolean> {
    const now = performance.now()
    if (now - this.#writes.at >= WRITE_PROBE_MS) {
      this.#writes = { at: now, answer: holds(this.#store.transaction((tx) => tx.probe())) }
    }
    return this.#writes.answer
  }
}

async function holds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (error instanceof CoffreError) return false
    throw error
  }
}
