import type { Session, SessionRules } from '../../model/session.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, FINDING, OK } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { readSecretFile } from '../input/secret-file.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN, FORCE, OUT, YES } from '../line/option-rows.ts'
import { formatFields } from '../output/key-text.ts'
import { formatJson, type Printer } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

const MAX_TOKEN_BYTES = 8 * 1_024
const SECONDS = { from: 1, to: 2_592_000 }
const KEY = { syntax: '<key>', help: 'argument.key' } as const
const RULES: readonly OptionRow[] = [
  { flags: '--audience <text>', help: 'option.sessionAudience' },
  { flags: '--issuer <text>', help: 'option.sessionIssuer' },
  { flags: '--idle <seconds>', help: 'option.sessionIdle' },
  { flags: '--absolute <seconds>', help: 'option.sessionAbsolute' },
]
const USER: OptionRow = { flags: '--user <user>', help: 'option.sessionUser' }

export const sessionCommands: readonly CommandRow[] = [
  {
    path: ['session', 'create'],
    summary: 'command.session.create',
    arguments: [KEY],
    options: [USER, ...RULES, OUT, FORCE],
    run: runCreate,
  },
  {
    path: ['session', 'verify'],
    summary: 'command.session.verify',
    arguments: [KEY],
    options: RULES,
    run: runVerify,
  },
  {
    path: ['session', 'revoke'],
    summary: 'command.session.revoke',
    arguments: [KEY, { syntax: '[session]', help: 'argument.session' }],
    options: [USER],
    run: runRevoke,
  },
  {
    path: ['session', 'revoke-all'],
    summary: 'command.session.revoke-all',
    arguments: [KEY],
    options: [YES, DRY_RUN],
    run: runRevokeAll,
  },
]

/** The one moment at which a session token shows itself. */
async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const request = { ...readRules(invocation), user: options.required('user') }
  await withSink(invocation, 'out', async (sink) => {
    const { token, ...session } = await withCoffre(invocation, (coffre) => coffre.sessions.create(request))
    const text = token.reveal()
    await sink.write(printer.json ? `${formatJson({ ...session, token: text })}\n` : `${text}\n`)
    await printer.note('done.sessionCreated', { id: session.sessionId, moment: session.expiresAt })
  })
  return OK
}

async function runVerify(invocation: Invocation): Promise<ExitCode> {
  const { printer, terminal } = invocation
  const rules = readRules(invocation)
  const token = await readSecretFile(terminal, '-', { name: 'stdin', maximumBytes: MAX_TOKEN_BYTES })
  const session = await withCoffre(invocation, (coffre) => coffre.sessions.verify({ ...rules, token }))
  if (session === undefined) {
    await printer.show({ valid: false }, () => [])
    await printer.note('done.sessionRefused')
    return FINDING
  }
  await printer.show({ valid: true, session }, () => formatSession(printer, session))
  return OK
}

async function runRevoke(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, values } = invocation
  const [key = '', id] = values
  const user = options.text('user')
  const request = { key, ...(id === undefined ? {} : { id }), ...(user === undefined ? {} : { user }) }
  await withCoffre(invocation, (coffre) => coffre.sessions.revoke(request))
  await printer.done({ key, revoked: true }, 'done.sessionsRevoked', { key })
  return OK
}

function runRevokeAll(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const key = valueAt(invocation, 0)
  return withCoffre(invocation, async (coffre) => {
    await coffre.keys.get(key)
    if (options.flag('dry-run')) return reportPlan(invocation, { request: { key }, lines: [] })
    await confirm(invocation, 'prompt.revokeSessions', { key })
    await coffre.sessions.revoke({ key, all: true })
    await printer.done({ key, revoked: true }, 'done.sessionsRevoked', { key })
    return OK
  })
}

function readRules(invocation: Invocation): SessionRules {
  const { options } = invocation
  const issuer = options.text('issuer')
  const idleSeconds = options.wholeNumber('idle', SECONDS)
  const absoluteSeconds = options.wholeNumber('absolute', SECONDS)
  return {
    key: valueAt(invocation, 0),
    audience: options.required('audience'),
    ...(issuer === undefined ? {} : { issuer }),
    ...(idleSeconds === undefined ? {} : { idleSeconds }),
    ...(absoluteSeconds === undefined ? {} : { absoluteSeconds }),
  }
}

function formatSession(printer: Printer, session: Session): readonly string[] {
  return formatFields(printer, [
    ['field.user', session.user],
    ['field.session', session.sessionId],
    ['field.created', session.startedAt],
    ['field.expires', session.expiresAt],
  ])
}
