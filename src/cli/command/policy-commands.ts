import type { PolicyTestRequest, PolicyTestResult, PolicyView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { parsePolicyName } from '../../model/ids.ts'
import { KEY_OPERATIONS, type PolicyDocument } from '../../model/policy.ts'
import { HOLDER_ROLES } from '../../model/token.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, FINDING, OK } from '../exit-code.ts'
import { readBytes } from '../input/read-input.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { CONTEXT, DRY_RUN, IN } from '../line/option-rows.ts'
import { titles, withHeading } from '../output/key-text.ts'
import type { Printer } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { UsageError } from '../usage-error.ts'
import { withCoffre } from '../with-coffre.ts'

const NAME = { syntax: '<name>', help: 'argument.policy' } as const
/** 64 rules of some hundred patterns each are below this. */
const MAX_DOCUMENT_BYTES = 1024 * 1024
const EPOCH = { from: 0, to: Number.MAX_SAFE_INTEGER }

export const policyCommands: readonly CommandRow[] = [
  {
    path: ['policy', 'create'],
    summary: 'command.policy.create',
    arguments: [NAME],
    options: [IN, DRY_RUN],
    run: runCreate,
  },
  { path: ['policy', 'list'], summary: 'command.policy.list', run: runList },
  { path: ['policy', 'show'], summary: 'command.policy.show', arguments: [NAME], run: runShow },
  {
    path: ['policy', 'update'],
    summary: 'command.policy.update',
    arguments: [NAME],
    options: [IN, { flags: '--epoch <number>', help: 'option.epoch' }, DRY_RUN],
    run: runUpdate,
  },
  {
    path: ['policy', 'delete'],
    summary: 'command.policy.delete',
    arguments: [NAME],
    options: [DRY_RUN],
    run: runDelete,
  },
  {
    path: ['policy', 'test'],
    summary: 'command.policy.test',
    arguments: [
      { syntax: '<operation>', help: 'argument.operation', choices: KEY_OPERATIONS },
      { syntax: '<key>', help: 'argument.key' },
    ],
    options: [
      { flags: '--token-id <id>', help: 'option.tokenTested' },
      { flags: '--role <role>', help: 'option.role', choices: HOLDER_ROLES },
      { flags: '--policy <name>', help: 'option.policy', repeats: true },
      CONTEXT,
    ],
    run: runTest,
  },
]

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = parsePolicyName(valueAt(invocation, 0))
  const document = await readDocument(invocation)
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) {
      const existing = await coffre.policies.get(name).catch(absentPolicy)
      if (existing !== undefined && existing.epoch > 0) throw new CoffreError('POLICY_EXISTS')
      return reportPlan(invocation, { request: { name, document }, lines: [] })
    }
    const policy = await coffre.policies.create(name, document)
    await printer.done(policy, 'done.policyCreated', { name: policy.name })
    return OK
  })
}

function absentPolicy(error: unknown): undefined {
  if (!hasCode(error, 'POLICY_NOT_FOUND')) throw error
}

async function runUpdate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = parsePolicyName(valueAt(invocation, 0))
  const epoch = options.wholeNumber('epoch', EPOCH)
  const document = await readDocument(invocation)
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) {
      const before = await coffre.policies.get(name)
      if (epoch !== undefined && epoch !== before.epoch) throw new CoffreError('CONFLICT')
      return reportPlan(invocation, { request: { name, document }, lines: [] })
    }
    const policy = await coffre.policies.update(name, document, epoch === undefined ? {} : { epoch })
    await printer.done(policy, 'done.policyUpdated', { name: policy.name, epoch: policy.epoch })
    return OK
  })
}

/** The server and the library check it; here it only has to be JSON. */
async function readDocument(invocation: Invocation): Promise<PolicyDocument> {
  const bytes = await readBytes(invocation, { maximumBytes: MAX_DOCUMENT_BYTES, prompt: 'prompt.policy' })
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return document as PolicyDocument // judged by parsePolicyDocument behind the interface
  } catch {
    throw UsageError.of('usage.policyDocument')
  }
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const policies = await coffre.policies.list()
    await printer.show({ policies }, () => formatPolicies(printer, policies))
    return OK
  })
}

function formatPolicies(printer: Printer, policies: readonly PolicyView[]): readonly string[] {
  const heading = titles(printer, ['column.name', 'column.rules', 'column.epoch', 'column.updated'])
  const rows = policies.map((policy) => [
    policy.name,
    String(policy.document.rules.length),
    String(policy.epoch),
    policy.updatedAt ?? printer.say('policy.builtIn'),
  ])
  return withHeading(printer, [heading, ...rows])
}

/** As a document that `policy update` takes again; with --json, the whole view. */
function runShow(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const policy = await coffre.policies.get(valueAt(invocation, 0))
    await printer.show(policy, () => JSON.stringify(policy.document, undefined, 2).split('\n'))
    return OK
  })
}

function runDelete(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = parsePolicyName(valueAt(invocation, 0))
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) {
      if ((await coffre.policies.get(name)).epoch === 0) throw new CoffreError('POLICY_NOT_FOUND')
      return reportPlan(invocation, { request: { name }, lines: [] })
    }
    await coffre.policies.delete(name)
    await printer.done({ name, deleted: true }, 'done.policyDeleted', { name })
    return OK
  })
}

function runTest(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const request = readTest(invocation)
  return withCoffre(invocation, async (coffre) => {
    const result = await coffre.policies.test(request)
    await printer.show(result, () => formatTest(printer, result))
    return result.allowed ? OK : FINDING
  })
}

function readTest(invocation: Invocation): PolicyTestRequest {
  const { options } = invocation
  options.exclude('token-id', 'role')
  const operation = KEY_OPERATIONS.find((each) => each === valueAt(invocation, 0))
  if (operation === undefined) {
    throw UsageError.of('usage.choice', { name: '<operation>', choices: KEY_OPERATIONS.join(', ') })
  }
  const token = options.text('token-id')
  const role = options.choice('role', HOLDER_ROLES)
  if (token === undefined && role === undefined) {
    throw UsageError.of('usage.oneOf', { name: '--token-id', other: '--role' })
  }
  const [policies, context] = [options.list('policy'), options.pairs('context')]
  return {
    operation,
    key: valueAt(invocation, 1),
    ...(token === undefined ? {} : { token }),
    ...(role === undefined ? {} : { role }),
    ...(policies.length === 0 ? {} : { policies }),
    ...(context === undefined ? {} : { context }),
  }
}

function formatTest(printer: Printer, result: PolicyTestResult): readonly string[] {
  const verdict = result.allowed
    ? printer.styleOut('green', printer.say('policy.allowed'))
    : printer.styleOut('red', printer.say('policy.refused'))
  const rules = result.rules.map((each) => printer.say('policy.rule', { name: each.policy, rule: each.rule }))
  const absent = result.keyExists ? [] : [printer.say('policy.keyAbsent')]
  return [`${verdict}: ${printer.say(`policy.because.${result.reason}`)}`, ...rules, ...absent]
}
