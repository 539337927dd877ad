import { localCaller } from '../../src/service/caller.ts'
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { coreOver, memorySeal } from '../core-over.ts'
import type { PostgresServer } from '../postgres-server.ts'
import { makeMemoryFolder, type Scope } from '../temporary.ts'
import { FAULT_KINDS, type FaultKind, FaultPlan, faultyStore } from './faulty-store.ts'
import { type Rig, sampleCalls, sweep, type SweepResult } from './nth-call.ts'
import type { SweptOperation } from './swept-operations.ts'

/** Far above what a healthy commit takes here, and waited for once for each call of a data operation. */
const AUDIT_BOUND_MS = 250
/** Where the audit log waits, it gives up before the driver does, as in the product. */
const SLOW_DRIVER_MS = 300
/** How many times as long PostgreSQL may take as SQLite in memory. */
const SLOWER_COMMITS = 8
/** Nothing else has a bound of its own, so the length does not matter. */
const DRIVER_MS = 5

/** What a test has time for: each kind where it can do the most harm. */
const QUICK: Readonly<Record<FaultKind, readonly ('cold' | 'warm')[]>> = {
  error: ['cold'],
  'answer lost': ['warm'],
  'time-out': [],
  late: [],
}
/** One change, one data operation and one change of the seal also see the store that does not answer. */
const SLOW_TOO: ReadonlySet<string> = new Set(['rotate', 'encrypt', 'unseal'])

/** Faults at the contract of the store. `thorough`: every call, each kind with and without the key in memory. */
export function sweepStore(
  scope: Scope,
  operation: SweptOperation,
  { thorough = false, server }: { readonly thorough?: boolean; readonly server?: PostgresServer } = {},
): Promise<SweepResult> {
  return sweep(
    {
      makeRig: async () =>
        storeRig(await openStore(scope, server), operation, server === undefined ? 1 : SLOWER_COMMITS),
      kinds: FAULT_KINDS,
      starts: (kind) => (thorough ? ['cold', 'warm'] : quickStarts(kind, operation)),
      ...(thorough ? {} : { sample: sampleCalls }),
    },
    operation,
  )
}

function quickStarts(kind: FaultKind, { name }: SweptOperation): readonly ('cold' | 'warm')[] {
  return kind === 'time-out' && SLOW_TOO.has(name) ? ['cold'] : QUICK[kind]
}

/** A new database of `server`, or a new folder. */
async function openStore(scope: Scope, server: PostgresServer | undefined): Promise<Store> {
  if (server === undefined) return await openSqliteStore({ folder: makeMemoryFolder(scope) })
  return await openPostgresStore({ url: await server.makeDatabase(), random: () => 0.5 })
}

/** One real store, and a Coffre over it for each step; the one that fails sees it through a plan. */
async function storeRig(store: Store, operation: SweptOperation, slower: number): Promise<Rig<FaultKind>> {
  const plan = new FaultPlan(operation.action.startsWith('data.') ? SLOW_DRIVER_MS * slower : DRIVER_MS)
  const shared = faultyStore(store, plan)
  const seal = memorySeal()
  await coreOver(store, { seal }).core.initialise(localCaller(), seal)
  return {
    mayHaveHappened: new Set<FaultKind>(['answer lost', 'late']),
    open: async ({ clock, sealed }) => {
      const subject = coreOver(shared, { seal, clock, maxAuditWaitMs: AUDIT_BOUND_MS * slower })
      if (!sealed) await subject.coffre.operator.unseal()
      return subject
    },
    // The store stays open for the next one.
    close: async ({ coffre }) => void (await coffre.operator.seal()),
    arm: (at, kind) => plan.arm(at, kind),
    disarm: () => plan.disarm(),
    end: () => store.close(),
  }
}
