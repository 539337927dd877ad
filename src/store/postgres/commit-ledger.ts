import { setTimeout } from 'node:timers/promises'
import type { Pool } from 'pg'
import { CoffreError } from '../../model/errors.ts'
import { TAKE_WRITER_LOCK } from './writer-lock.ts'

/** Longer than the server lets a session that we have lost hold the lock. */
const MAX_RESOLVE_MS = 15_000
const RETRY_MS = 100
/** Rows of stores that were not closed; each takes about 100 bytes. */
const KEPT_MS = 7 * 86_400_000
/** Milliseconds of the server's clock, as all nodes see it. */
export const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

export interface LedgerEntry {
  /** To be sent in front of COMMIT. */
  readonly statement: string
  /** After the connection was lost at COMMIT: whether the server made it. */
  isCommitted(): Promise<boolean>
}

/**
 * Whether a COMMIT whose answer was lost has happened. Each store has a row with the number of its last
 * transaction, written by that transaction itself; the row tells, once the old transaction has ended.
 */
export class CommitLedger {
  readonly #pool: () => Pool
  #id: string | undefined
  #sequence = 0

  constructor(pool: () => Pool) {
    this.#pool = pool
  }

  /** Once the schema is there. Until then an unknown outcome is an error; migrations look for themselves. */
  async open(): Promise<void> {
    const pool = this.#pool()
    await pool.query(`delete from commit_ledger where at < ${NOW} - ${KEPT_MS}`)
    const { rows } = await pool.query<{ id: string }>(
      `insert into commit_ledger (id, sequence, at) values (gen_random_uuid()::text, 0, ${NOW}) returning id`,
    )
    this.#id = rows[0]?.id
  }

  async close(): Promise<void> {
    const id = this.#id
    this.#id = undefined
    if (id === undefined) return
    // What stays behind is removed by a later start.
    await this.#pool()
      .query('delete from commit_ledger where id = $1', [id])
      .catch(() => undefined)
  }

  nextEntry(): LedgerEntry | undefined {
    if (this.#id === undefined) return undefined
    const id = this.#id
    this.#sequence += 1
    const sequence = this.#sequence
    return {
      // Both are ours: a UUID that the server made, and a count.
      statement: `insert into commit_ledger (id, sequence, at) values ('${id}', ${sequence}, ${NOW})
        on conflict (id) do update set sequence = excluded.sequence, at = excluded.at`,
      isCommitted: () => this.#resolve(id, sequence),
    }
  }

  async #resolve(id: string, sequence: number): Promise<boolean> {
    const giveUpAt = performance.now() + MAX_RESOLVE_MS
    for (;;) {
      try {
        return (await this.#readSequence(id)) === sequence
      } catch (cause) {
        if (performance.now() > giveUpAt) {
          throw new CoffreError('STORE_UNAVAILABLE', { facts: { outcome: 'unknown' }, cause })
        }
        await setTimeout(RETRY_MS)
      }
    }
  }

  /** Under the writer's lock, so that the lost transaction has ended one way or the other. */
  async #readSequence(id: string): Promise<number> {
    const client = await this.#pool().connect()
    let isBroken = true
    try {
      await client.query(`begin; ${TAKE_WRITER_LOCK}`)
      const { rows } = await client.query<{ sequence: number }>(
        'select sequence from commit_ledger where id = $1',
        [id],
      )
      await client.query('rollback')
      isBroken = false
      return rows[0]?.sequence ?? 0
    } finally {
      client.release(isBroken)
    }
  }
}
