import type { TokenView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { parseTokenId } from '../../model/ids.ts'
import { type Role, ROLES } from '../../model/token.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { titles, withHeading } from '../output/key-text.ts'
import { DRY_RUN, FORCE, OUT } from '../line/option-rows.ts'
import { formatJson, type Printer } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withSink } from '../output/sink.ts'
import { UsageError } from '../usage-error.ts'
import { withCoffre } from '../with-coffre.ts'

const TTL_SECONDS = { from: 60, to: 31_536_000 }

export const tokenCommands: readonly CommandRow[] = [
  {
    path: ['token', 'create'],
    summary: 'command.token.create',
    arguments: [{ syntax: '<name>', help: 'argument.tokenName' }],
    options: [
      { flags: '--role <role>', help: 'option.role', choices: ROLES },
      { flags: '--ttl-seconds <number>', help: 'option.ttlSeconds' },
      OUT,
      FORCE,
      DRY_RUN,
    ],
    run: runCreate,
  },
  { path: ['token', 'list'], summary: 'command.token.list', run: runList },
  {
    path: ['token', 'revoke'],
    summary: 'command.token.revoke',
    arguments: [{ syntax: '<id>', help: 'argument.tokenId' }],
    options: [DRY_RUN],
    run: runRevoke,
  },
]

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const ttlSeconds = options.wholeNumber('ttl-seconds', TTL_SECONDS)
  const request = {
    name: valueAt(invocation, 0),
    role: requireRole(invocation),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  }
  if (options.flag('dry-run')) return reportPlan(invocation, { request, lines: [] })
  await withSink(invocation, 'out', async (sink) => {
    const created = await withCoffre(invocation, (coffre) => coffre.tokens.create(request))
    // The one moment at which a token shows itself.
    const token = created.token.reveal()
    await sink.write(printer.json ? `${formatJson({ ...created, token })}\n` : `${token}\n`)
    const { id, role, expiresAt = '–' } = created
    await printer.note('done.tokenCreated', { id, role, moment: expiresAt })
  })
  return OK
}

function requireRole({ options }: Invocation): Role {
  const role = options.choice('role', ROLES)
  if (role === undefined) throw UsageError.of('usage.optionMissing', { name: '--role' })
  return role
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const tokens = await coffre.tokens.list()
    await printer.show({ tokens }, () => formatTokens(printer, tokens))
    if (tokens.length === 0) await printer.note('list.empty')
    return OK
  })
}

function formatTokens(printer: Printer, tokens: readonly TokenView[]): readonly string[] {
  if (tokens.length === 0) return []
  const heading = titles(printer, [
    'column.id',
    'column.name',
    'column.role',
    'column.state',
    'column.created',
    'column.expires',
  ])
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.role,
    printer.say(stateOf(token)),
    token.createdAt,
    token.expiresAt ?? '–',
  ])
  return withHeading(printer, [heading, ...rows])
}

function stateOf(token: TokenView): 'state.active' | 'state.revoked' | 'state.expired' {
  if (token.revokedAt !== undefined) return 'state.revoked'
  const isOver = token.expiresAt !== undefined && Date.parse(token.expiresAt) <= Date.now()
  return isOver ? 'state.expired' : 'state.active'
}

function runRevoke(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const id = parseTokenId(valueAt(invocation, 0))
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) {
      const known = (await coffre.tokens.list()).some((token) => token.id === id)
      if (!known) throw new CoffreError('TOKEN_NOT_FOUND')
      return reportPlan(invocation, { request: { id }, lines: [] })
    }
    await coffre.tokens.revoke(id)
    await printer.done({ id, revoked: true }, 'done.tokenRevoked', { id })
    return OK
  })
}
