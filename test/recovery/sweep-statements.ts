import { openCore } from '../../src/app.ts'
import { CallerCoffre, withOwnRequests } from '../../src/service/caller-coffre.ts'
import { localCaller } from '../../src/service/caller.ts'
import { makeMemoryFolder, type Scope } from '../temporary.ts'
import { interceptStatements, type OnStatement } from './faulty-statements.ts'
import { type Calls, type Rig, sampleCalls, sweep, type SweepResult } from './nth-call.ts'
import type { SweptOperation } from './swept-operations.ts'

/**
 * `error`: the statement was not run. `rolled back`: the same, and SQLite ended the transaction by itself, as it does at
 * a full disk. `answer lost`: it was run, and reports a failure.
 */
const STATEMENT_FAULTS = ['error', 'rolled back', 'answer lost'] as const

type StatementFault = (typeof STATEMENT_FAULTS)[number]

/** What a test has time for. */
const QUICK: Readonly<Record<StatementFault, 'cold' | 'warm'>> = {
  error: 'cold',
  'rolled back': 'warm',
  'answer lost': 'warm',
}

/** Faults at the statements of SQLite, begin and commit included, below the whole product as `openCoffre` joins it. */
export function sweepStatements(
  scope: Scope,
  operation: SweptOperation,
  { thorough = false }: { readonly thorough?: boolean } = {},
): Promise<SweepResult> {
  const choice = {
    makeRig: async () => statementRig(makeMemoryFolder(scope)),
    kinds: STATEMENT_FAULTS,
    starts: (kind: StatementFault) => (thorough ? (['cold', 'warm'] as const) : [QUICK[kind]]),
    ...(thorough ? {} : { sample: sampleCalls }),
  }
  return sweep<StatementFault>(choice, operation)
}

/** Each step opens the folder anew, so that what is checked at the end is what another process finds. */
function statementRig(dataDir: string): Rig<StatementFault> {
  let disarm = (): Calls => ({ reached: undefined, names: [] })
  return {
    mayHaveHappened: new Set<StatementFault>(['answer lost']),
    open: async ({ clock, sealed }) => {
      const { core } = await openCore({ dataDir, createIfMissing: true, clock })
      const coffre = new CallerCoffre(core, withOwnRequests(localCaller()))
      if (sealed) await coffre.operator.seal()
      return { core, coffre }
    },
    close: ({ core }) => core.close(),
    arm: (at, kind) => {
      disarm = failStatement(at, kind)
    },
    disarm: async () => disarm(),
  }
}

/** Fails statement number `at` once, as SQLite reports a failing disk. Answers how to end it. */
function failStatement(at: number, fault: StatementFault): () => Calls {
  const names: string[] = []
  let reached: string | undefined
  const onStatement: OnStatement = ({ sql, database, proceed }) => {
    names.push(sql)
    if (names.length !== at) return proceed()
    reached = sql
    if (fault === 'answer lost') proceed()
    if (fault === 'rolled back' && database?.isTransaction === true) database.exec('rollback')
    throw ioError()
  }
  const restore = interceptStatements(onStatement)
  return () => {
    restore()
    return { reached, names }
  }
}

const SQLITE_IOERR = 10

function ioError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: SQLITE_IOERR })
}
