import { AsyncLocalStorage } from 'node:async_hooks'
import type pg from 'pg'
import { localCaller } from '../../src/service/caller.ts'
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.ts'
import { coreOver, memorySeal } from '../core-over.ts'
import type { PostgresServer } from '../postgres-server.ts'
import { cutConnection, interceptQueries, type OnQuery } from './faulty-queries.ts'
import { type Calls, type Rig, sampleCalls, sweep, type SweepResult } from './nth-call.ts'
import type { SweptOperation } from './swept-operations.ts'

/**
 * `error`: the server refuses it, as at a full disk. `time-out`: the server gives it up. `cut`: the connection is lost,
 * and it was never run. `answer lost`: it was run, COMMIT included, and the connection is lost before the answer.
 */
const QUERY_FAULTS = ['error', 'time-out', 'cut', 'answer lost'] as const

type QueryFault = (typeof QUERY_FAULTS)[number]

/** Every fault is answered at once, so whoever waits long waits for a busy machine only. */
const AUDIT_BOUND_MS = 60_000

/** What a test has time for. */
const QUICK: Readonly<Record<QueryFault, readonly ('cold' | 'warm')[]>> = {
  error: ['cold'],
  'time-out': [],
  cut: ['warm'],
  'answer lost': ['warm'],
}

/** Sent instead of the statement, so that its transaction fails on the server too, with the server's own error. */
const FAILING: Readonly<Record<'error' | 'time-out', string>> = {
  error: `do $$ begin raise exception using errcode = '53100'; end $$`,
  'time-out': 'set local statement_timeout = 1; select pg_sleep(60)',
}

/** Which a pool asks on a new connection, whenever it comes to need one. */
const CONNECTION_CHECK = /^\s*select current_setting\('server_version_num'\)/

/** Faults at the statements on the wire to PostgreSQL, BEGIN and COMMIT included. */
export function sweepQueries(
  server: PostgresServer,
  operation: SweptOperation,
  { thorough = false }: { readonly thorough?: boolean } = {},
): Promise<SweepResult> {
  return sweep<QueryFault>(
    {
      makeRig: () => queryRig(server),
      kinds: QUERY_FAULTS,
      starts: (kind) => (thorough ? ['cold', 'warm'] : QUICK[kind]),
      ...(thorough ? {} : { sample: sampleCalls }),
    },
    operation,
  )
}

/** One database, and a Coffre over it for each step. Of a COMMIT whose answer was lost the store finds out what became. */
async function queryRig(server: PostgresServer): Promise<Rig<QueryFault>> {
  const store = await openPostgresStore({ url: await server.makeDatabase(), random: () => 0.5 })
  const seal = memorySeal()
  await coreOver(store, { seal }).core.initialise(localCaller(), seal)
  const own = new AsyncLocalStorage<true>()
  let disarm = (): Calls => ({ reached: undefined, names: [] })
  return {
    mayHaveHappened: new Set<QueryFault>(),
    open: async ({ clock, sealed }) => {
      const subject = coreOver(store, { seal, clock, maxAuditWaitMs: AUDIT_BOUND_MS })
      if (!sealed) await subject.coffre.operator.unseal()
      return subject
    },
    close: async ({ coffre }) => void (await coffre.operator.seal()),
    arm: (at, kind) => {
      disarm = failQuery(own, at, kind)
    },
    // What an unsealing looks after when it is done comes at any moment.
    attempt: (work) => own.run(true, work),
    disarm: async () => disarm(),
    end: () => store.close(),
  }
}

/** Fails statement number `at` of what runs in `own`, once. Answers how to end it. */
function failQuery(own: AsyncLocalStorage<true>, at: number, fault: QueryFault): () => Calls {
  const names: string[] = []
  let reached: string | undefined
  const onQuery: OnQuery = async ({ sql, client, proceed }) => {
    if (own.getStore() === undefined || CONNECTION_CHECK.test(sql)) return await proceed()
    names.push(sql)
    if (names.length !== at) return await proceed()
    reached = sql
    return await fail(fault, client, proceed)
  }
  const restore = interceptQueries(onQuery)
  return () => {
    restore()
    return { reached, names }
  }
}

async function fail(fault: QueryFault, client: pg.Client, proceed: () => Promise<unknown>): Promise<unknown> {
  // It is not counted: what stands in the place of a statement has no number of its own.
  if (fault === 'error' || fault === 'time-out') return await client.query({ text: FAILING[fault] })
  if (fault === 'answer lost') await proceed()
  cutConnection(client)
  throw new Error('Connection terminated unexpectedly')
}
