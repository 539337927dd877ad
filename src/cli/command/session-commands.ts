import type { Inspection } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import type { NewSession, Session, SessionData, SessionRules } from '../../model/session.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, FINDING, OK } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { readSecretFile } from '../input/secret-file.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN, FORCE, OUT, YES } from '../line/option-rows.ts'
import { formatInspection } from '../output/inspection-text.ts'
import { formatFields } from '../output/key-text.ts'
import { formatJson, type Printer } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { type Sink, withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

const MAX_TOKEN_BYTES = 8 * 1_024
/** Of the file; what it says may have 2,048. */
const MAX_DATA_BYTES = 8 * 1_024
const SECONDS = { from: 1, to: 2_592_000 }
const KEY = { syntax: '<key>', help: 'argument.key' } as const
const RULES: readonly OptionRow[] = [
  { flags: '--audience <text>', help: 'option.sessionAudience' },
  { flags: '--issuer <text>', help: 'option.sessionIssuer' },
  { flags: '--idle <seconds>', help: 'option.sessionIdle' },
  { flags: '--absolute <seconds>', help: 'option.sessionAbsolute' },
]
const USER: OptionRow = { flags: '--user <user>', help: 'option.sessionUser' }
const DATA: OptionRow = { flags: '--data-file <file>', help: 'option.sessionData' }

export const sessionCommands: readonly CommandRow[] = [
  {
    path: ['session', 'create'],
    summary: 'command.session.create',
    arguments: [KEY],
    options: [USER, DATA, ...RULES, OUT, FORCE],
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
    path: ['session', 'refresh'],
    summary: 'command.session.refresh',
    arguments: [KEY],
    options: [...RULES, OUT, FORCE],
    run: runRefresh,
  },
  { path: ['session', 'inspect'], summary: 'command.session.inspect', run: runInspect },
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

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  const request = {
    ...readRules(invocation),
    user: options.required('user'),
    ...(await readData(invocation)),
  }
  await withSink(invocation, 'out', async (sink) => {
    await showToken(
      invocation,
      sink,
      await withCoffre(invocation, (coffre) => coffre.sessions.create(request)),
    )
  })
  return OK
}

/** The one moment at which a session token shows itself. */
async function showToken(
  { printer }: Invocation,
  sink: Sink,
  { token, ...session }: NewSession,
): Promise<void> {
  const text = token.reveal()
  await sink.write(printer.json ? `${formatJson({ ...session, token: text })}\n` : `${text}\n`)
  await printer.note('done.sessionCreated', { id: session.sessionId, moment: session.expiresAt })
}

async function runVerify(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const rules = readRules(invocation)
  const token = await readToken(invocation)
  const session = await withCoffre(invocation, (coffre) => coffre.sessions.verify({ ...rules, token }))
  if (session === undefined) return refuseToken(invocation)
  await printer.show({ valid: true, session }, () => formatSession(printer, session))
  return OK
}

async function runRefresh(invocation: Invocation): Promise<ExitCode> {
  const rules = readRules(invocation)
  const token = await readToken(invocation)
  const session = await withCoffre(invocation, (coffre) => coffre.sessions.refresh({ ...rules, token }))
  if (session === undefined) return refuseToken(invocation)
  await withSink(invocation, 'out', (sink) => showToken(invocation, sink, session))
  return OK
}

async function refuseToken({ printer }: Invocation): Promise<ExitCode> {
  await printer.show({ valid: false }, () => [])
  await printer.note('done.sessionRefused')
  return FINDING
}

/** What the token says, without a judgement: for whoever wonders why `verify` refuses it. */
async function runInspect(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const token = (await readToken(invocation)).reveal().trim()
  const found = await inspect(invocation, token)
  if (found.format !== 'jws' && found.format !== 'jwe') {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'stdin', expected: 'a session token' } })
  }
  await printer.show(found, () => formatInspection(printer, found))
  await printer.note('done.sessionInspected')
  return OK
}

/** No key is needed for it, so no Coffre is; one that is there, and opens without a question, tells the name of the key. */
async function inspect(invocation: Invocation, token: string): Promise<Inspection> {
  const { options } = invocation
  try {
    return await withCoffre(invocation, (coffre) => coffre.inspect(token), { asksNothing: true })
  } catch (error) {
    const isNamed = ['addr', 'data-dir', 'database-url'].some((name) => options.text(name) !== undefined)
    if (isNamed || !(error instanceof CoffreError)) throw error
    const { inspectBlob } = await import('../../app.ts')
    return inspectBlob(token)
  }
}

function readToken({ terminal }: Invocation): Promise<Secret> {
  return readSecretFile(terminal, '-', { name: 'stdin', maximumBytes: MAX_TOKEN_BYTES })
}

async function readData({ options, terminal }: Invocation): Promise<{ readonly data?: SessionData }> {
  const path = options.text('data-file')
  if (path === undefined) return {}
  const limit = { name: '--data-file', maximumBytes: MAX_DATA_BYTES }
  return { data: parseObject((await readSecretFile(terminal, path, limit)).reveal()) }
}

function parseObject(text: string): SessionData {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // As for what is no object.
  }
  throw new CoffreError('INVALID_REQUEST', { facts: { at: '--data-file', expected: 'a JSON object' } })
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
