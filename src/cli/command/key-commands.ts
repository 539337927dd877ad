import { ALGORITHM_NAMES, KEY_PURPOSES } from '../../model/algorithm-name.ts'
import type { CreateKeyRequest, KeyLabelsView, KeyView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { parseKeyName } from '../../model/ids.ts'
import type { ArgumentRow, CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { formatKey, formatKeyList } from '../output/key-text.ts'
import { DRY_RUN } from '../line/option-rows.ts'
import { reportPlan } from '../output/report-plan.ts'
import { readPage, showPage } from '../output/show-page.ts'
import { LABEL_OPTIONS, readLabels } from '../input/key-labels.ts'
import { UsageError } from '../usage-error.ts'
import { withCoffre } from '../with-coffre.ts'
import { keyTransferCommands } from './key-transfer-commands.ts'
import { keyMoveCommands } from './key-move-commands.ts'

const NAME: ArgumentRow = { syntax: '<name>', help: 'argument.key' }

export const keyCommands: readonly CommandRow[] = [
  {
    path: ['key', 'create'],
    summary: 'command.key.create',
    arguments: [NAME],
    options: [
      { flags: '--algorithm <name>', help: 'option.algorithm', choices: ALGORITHM_NAMES },
      { flags: '--purpose <name>', help: 'option.purpose', choices: KEY_PURPOSES },
      { flags: '--exportable', help: 'option.exportable' },
      ...LABEL_OPTIONS,
      DRY_RUN,
    ],
    run: runCreate,
  },
  {
    path: ['key', 'list'],
    summary: 'command.key.list',
    options: [
      { flags: '--after <name>', help: 'option.after' },
      { flags: '--limit <number>', help: 'option.limitKeys' },
    ],
    run: runList,
  },
  { path: ['key', 'show'], summary: 'command.key.show', arguments: [NAME], run: runShow },
  {
    path: ['key', 'update'],
    summary: 'command.key.update',
    arguments: [NAME],
    options: [...LABEL_OPTIONS, { flags: '--clear-tags', help: 'option.clearTags' }, DRY_RUN],
    run: runUpdate,
  },
  ...keyTransferCommands,
  ...keyMoveCommands,
]

function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const request = readCreateRequest(invocation)
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) {
      const existing = await coffre.keys.get(request.name).catch(absentKey)
      if (existing !== undefined) throw new CoffreError('KEY_EXISTS', { facts: { key: request.name } })
      return reportPlan(invocation, { key: request.name, request, lines: [] })
    }
    const key = await coffre.keys.create(request)
    await printer.done(key, 'done.created', { key: key.name, algorithm: key.algorithm, purpose: key.purpose })
    return OK
  })
}

function readCreateRequest(invocation: Invocation): CreateKeyRequest {
  const { options } = invocation
  const algorithm = options.choice('algorithm', ALGORITHM_NAMES)
  const purpose = options.choice('purpose', KEY_PURPOSES)
  return {
    name: parseKeyName(valueAt(invocation, 0)),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(options.flag('exportable') ? { exportable: true } : {}),
    ...readLabels(options),
  }
}

function absentKey(error: unknown): undefined {
  if (!hasCode(error, 'KEY_NOT_FOUND')) throw error
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const query = readPage(invocation)
  return withCoffre(invocation, async (coffre) => {
    const items = await coffre.keys.list(query)
    return showPage(invocation, query, {
      name: 'keys',
      items,
      format: formatKeyList,
      idOf: ({ name }) => name,
    })
  })
}

function runShow(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const key = await coffre.keys.get(valueAt(invocation, 0))
    await printer.show(key, () => formatKey(printer, key))
    return OK
  })
}

function runUpdate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  options.exclude('tag', 'clear-tags')
  const labels = readLabels(options)
  if (Object.keys(labels).length === 0) throw UsageError.of('usage.nothingToChange')
  const name = valueAt(invocation, 0)
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) return planUpdate(invocation, await coffre.keys.get(name), labels)
    const key = await coffre.keys.update(name, labels)
    await printer.done(key, 'done.updated', { key: key.name })
    return OK
  })
}

function planUpdate(invocation: Invocation, key: KeyView, labels: Partial<KeyLabelsView>): Promise<ExitCode> {
  const before: Readonly<Record<string, unknown>> = { ...key }
  const lines = Object.entries(labels).map(([field, after]: [string, unknown]) =>
    invocation.printer.say('dryRun.label', {
      field,
      before: JSON.stringify(before[field]),
      after: JSON.stringify(after),
    }),
  )
  return reportPlan(invocation, { key: key.name, request: labels, lines })
}
