import type { Coffre, KeyView } from '../../model/coffre.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { parseWholeNumber } from '../line/option-reader.ts'
import { DRY_RUN, YES } from '../line/option-rows.ts'
import * as plan from './plan-move.ts'
import type { Printer } from '../output/printer.ts'
import { confirm } from '../input/prompt.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withCoffre } from '../with-coffre.ts'

const NAME = { syntax: '<name>', help: 'argument.key' } as const
const VERSION = { syntax: '<version>', help: 'argument.version' } as const
const VERSION_OR_NONE = { syntax: '[version]', help: 'argument.version' } as const
const VERSION_RANGE = { from: 1, to: 2 ** 31 - 1 }
const DAYS = { from: 7, to: 30 }
const DEFAULT_DAYS = 30

/** One change to a key: how it is foreseen, asked about, made and told. */
interface Move {
  readonly plan: (key: KeyView, printer: Printer) => Foreseen
  readonly confirm?: () => Promise<void>
  readonly make: (coffre: Coffre) => Promise<KeyView>
  readonly tell: (key: KeyView) => Promise<void>
}

interface Foreseen {
  readonly changes: readonly plan.PlannedChange[]
  readonly lines?: readonly string[]
}

export const keyMoveCommands: readonly CommandRow[] = [
  {
    path: ['key', 'rotate'],
    summary: 'command.key.rotate',
    arguments: [NAME],
    options: [DRY_RUN],
    run: runRotate,
  },
  {
    path: ['key', 'prepare'],
    summary: 'command.key.prepare',
    arguments: [NAME],
    options: [DRY_RUN],
    run: runPrepare,
  },
  {
    path: ['key', 'rollback'],
    summary: 'command.key.rollback',
    arguments: [NAME, VERSION_OR_NONE],
    options: [DRY_RUN],
    run: runRollback,
  },
  stateMove('suspend', 'done.suspended'),
  stateMove('resume', 'done.resumed'),
  stateMove('deactivate', 'done.deactivated'),
  stateMove('compromise', 'done.compromised'),
  {
    path: ['key', 'floor'],
    summary: 'command.key.floor',
    arguments: [NAME, VERSION],
    options: [DRY_RUN],
    run: runFloor,
  },
  {
    path: ['key', 'destroy'],
    summary: 'command.key.destroy',
    arguments: [NAME, VERSION],
    options: [YES, DRY_RUN],
    run: runDestroy,
  },
  {
    path: ['key', 'schedule-destroy'],
    summary: 'command.key.schedule-destroy',
    arguments: [NAME],
    options: [{ flags: '--days <number>', help: 'option.days' }, YES, DRY_RUN],
    run: runScheduleDestroy,
  },
  {
    path: ['key', 'cancel-destroy'],
    summary: 'command.key.cancel-destroy',
    arguments: [NAME],
    options: [DRY_RUN],
    run: runCancelDestroy,
  },
]

function runRotate(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  return runMove(invocation, {
    plan: (key) => ({ changes: plan.planRotate(key) }),
    make: (coffre) => coffre.keys.rotate(name),
    tell: (key) => invocation.printer.done(key, 'done.rotated', currentOf(key)),
  })
}

function runPrepare(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  return runMove(invocation, {
    plan: (key) => ({ changes: plan.planPrepare(key) }),
    make: (coffre) => coffre.keys.prepare(name),
    tell: (key) => {
      const version = key.versions.at(-1)?.version ?? 0
      return invocation.printer.done(key, 'done.prepared', { key: key.name, version })
    },
  })
}

function runRollback(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  const version = optionalVersion(invocation)
  return runMove(invocation, {
    plan: (key) => ({ changes: plan.planRollback(key, version) }),
    make: (coffre) => coffre.keys.rollback(name, versionOption(version)),
    tell: (key) => invocation.printer.done(key, 'done.rolledBack', currentOf(key)),
  })
}

type NamedMove = Exclude<plan.StateMove, 'destroy'>
type DoneKey = 'done.suspended' | 'done.resumed' | 'done.deactivated' | 'done.compromised'

function stateMove(move: NamedMove, done: DoneKey): CommandRow {
  return {
    path: ['key', move],
    summary: `command.key.${move}`,
    arguments: [NAME, VERSION_OR_NONE],
    options: move === 'compromise' ? [YES, DRY_RUN] : [DRY_RUN],
    run: (invocation) => runStateMove(invocation, move, done),
  }
}

function runStateMove(invocation: Invocation, move: NamedMove, done: DoneKey): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  const version = optionalVersion(invocation)
  return runMove(invocation, {
    plan: (key) => ({ changes: plan.planMove(key, move, version) }),
    ...(move === 'compromise'
      ? { confirm: () => confirm(invocation, 'prompt.compromise', { key: name }) }
      : {}),
    make: (coffre) => coffre.keys[move](name, versionOption(version)),
    tell: (key) => invocation.printer.done(key, done, { key: key.name }),
  })
}

function runFloor(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  const version = requiredVersion(invocation)
  return runMove(invocation, {
    plan: (key, printer) => {
      plan.planFloor(key, version)
      return { changes: [], lines: [printer.say('dryRun.floor', { before: key.floor, after: version })] }
    },
    make: (coffre) => coffre.keys.setFloor(name, version),
    tell: (key) => invocation.printer.done(key, 'done.floor', { key: key.name, version: key.floor }),
  })
}

function runDestroy(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  const version = requiredVersion(invocation)
  return runMove(invocation, {
    plan: (key) => ({ changes: plan.planDestroy(key, version) }),
    confirm: () => confirm(invocation, 'prompt.destroy', { key: name, version }),
    make: (coffre) => coffre.keys.destroy(name, { version }),
    tell: (key) => invocation.printer.done(key, 'done.destroyed', { key: key.name, version }),
  })
}

function runScheduleDestroy(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  const days = invocation.options.wholeNumber('days', DAYS) ?? DEFAULT_DAYS
  return runMove(invocation, {
    plan: (key) => {
      plan.planScheduleDestroy(key)
      return { changes: [] }
    },
    confirm: () => confirm(invocation, 'prompt.scheduleDestroy', { key: name, days }),
    make: (coffre) => coffre.keys.scheduleDestroy(name, { days }),
    tell: (key) =>
      invocation.printer.done(key, 'done.scheduled', { key: key.name, moment: key.destroyAt ?? '' }),
  })
}

function runCancelDestroy(invocation: Invocation): Promise<ExitCode> {
  const name = valueAt(invocation, 0)
  return runMove(invocation, {
    plan: (key) => {
      plan.planCancelDestroy(key)
      return { changes: [] }
    },
    make: (coffre) => coffre.keys.cancelDestroy(name),
    tell: (key) => invocation.printer.done(key, 'done.cancelled', { key: key.name }),
  })
}

async function runMove(invocation: Invocation, move: Move): Promise<ExitCode> {
  const { options, printer } = invocation
  const dryRun = options.flag('dry-run')
  // Asked before the store is opened: a person may take long to answer.
  if (!dryRun) await move.confirm?.()
  return withCoffre(invocation, async (coffre) => {
    if (!dryRun) {
      await move.tell(await move.make(coffre))
      return OK
    }
    const key = await coffre.keys.get(valueAt(invocation, 0))
    const { changes, lines = [] } = move.plan(key, printer)
    const shown = [...changes.map((change) => formatChange(printer, change)), ...lines]
    return reportPlan(invocation, { key: key.name, changes, lines: shown })
  })
}

function formatChange(printer: Printer, { version, before, after }: plan.PlannedChange): string {
  if (before === undefined) return printer.say('dryRun.newVersion', { version })
  const text = after === undefined ? '…' : printer.say(`state.${after}`)
  return printer.say('dryRun.change', { version, before: printer.say(`state.${before}`), after: text })
}

function currentOf(key: KeyView): { key: string; version: number } {
  return { key: key.name, version: key.currentVersion ?? 0 }
}

function requiredVersion(invocation: Invocation): number {
  return parseWholeNumber(valueAt(invocation, 1), '<version>', VERSION_RANGE)
}

function optionalVersion(invocation: Invocation): number | undefined {
  return invocation.values[1] === undefined ? undefined : requiredVersion(invocation)
}

function versionOption(version: number | undefined): { readonly version?: number } {
  return version === undefined ? {} : { version }
}
