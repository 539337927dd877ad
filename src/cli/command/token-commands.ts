import type { CreateTokenRequest, RevokeOptions } from '../../model/coffre.ts'
import { parseTokenId } from '../../model/ids.ts'
import { MAX_TOKEN_USES } from '../../model/limits.ts'
import { HOLDER_ROLES, type Role } from '../../model/token.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN, FORCE, OUT } from '../line/option-rows.ts'
import { formatJson } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withSink } from '../output/sink.ts'
import { formatIdentity, formatToken, formatTokens } from '../output/token-text.ts'
import { UsageError } from '../usage-error.ts'
import { withCoffre } from '../with-coffre.ts'

const TTL_SECONDS = { from: 60, to: 31_536_000 }
const USES = { from: 1, to: MAX_TOKEN_USES }
const ID = { syntax: '<id>', help: 'argument.tokenId' } as const
const TTL: OptionRow = { flags: '--ttl-seconds <number>', help: 'option.ttlSeconds' }
const KEEP_CHILDREN: OptionRow = { flags: '--keep-children', help: 'option.keepChildren' }

export const tokenCommands: readonly CommandRow[] = [
  {
    path: ['token', 'create'],
    summary: 'command.token.create',
    arguments: [{ syntax: '<name>', help: 'argument.tokenName' }],
    options: [
      { flags: '--role <role>', help: 'option.role', choices: HOLDER_ROLES },
      { flags: '--policy <name>', help: 'option.policy', repeats: true },
      { flags: '--tenant <name>', help: 'option.tenant' },
      { flags: '--description <text>', help: 'option.tokenDescription' },
      TTL,
      { flags: '--max-ttl-seconds <number>', help: 'option.maxTtlSeconds' },
      { flags: '--max-uses <number>', help: 'option.maxUses' },
      { flags: '--cidr <block>', help: 'option.cidr', repeats: true },
      OUT,
      FORCE,
      DRY_RUN,
    ],
    run: runCreate,
  },
  { path: ['token', 'list'], summary: 'command.token.list', run: runList },
  { path: ['token', 'show'], summary: 'command.token.show', arguments: [ID], run: runShow },
  {
    path: ['token', 'revoke'],
    summary: 'command.token.revoke',
    arguments: [{ syntax: '[id]', help: 'argument.tokenIdOrSelf' }],
    options: [{ flags: '--self', help: 'option.self' }, KEEP_CHILDREN, DRY_RUN],
    run: runRevoke,
  },
  { path: ['token', 'renew'], summary: 'command.token.renew', options: [TTL, DRY_RUN], run: runRenew },
  { path: ['token', 'whoami'], summary: 'command.token.whoami', run: runWhoami },
]

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const request = readRequest(invocation)
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

function readRequest(invocation: Invocation): CreateTokenRequest {
  const { options } = invocation
  const texts = ['tenant', 'description'].flatMap((name) => {
    const text = options.text(name)
    return text === undefined ? [] : [[name, text]]
  })
  const numbers = [
    ['ttlSeconds', options.wholeNumber('ttl-seconds', TTL_SECONDS)],
    ['maxTtlSeconds', options.wholeNumber('max-ttl-seconds', TTL_SECONDS)],
    ['maxUses', options.wholeNumber('max-uses', USES)],
  ].filter(([, value]) => value !== undefined)
  const [policies, cidrs] = [options.list('policy'), options.list('cidr')]
  return {
    name: valueAt(invocation, 0),
    role: requireRole(invocation),
    ...Object.fromEntries([...texts, ...numbers]),
    ...(policies.length === 0 ? {} : { policies }),
    ...(cidrs.length === 0 ? {} : { cidrs }),
  }
}

function requireRole({ options }: Invocation): Role {
  const role = options.choice('role', HOLDER_ROLES)
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

function runShow(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const token = await coffre.tokens.get(valueAt(invocation, 0))
    await printer.show(token, () => formatToken(printer, token))
    return OK
  })
}

function runRevoke(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, values } = invocation
  const given = values[0]
  const isSelf = options.flag('self')
  if (isSelf === (given !== undefined)) throw UsageError.of('usage.oneOf', { name: '<id>', other: '--self' })
  const how: RevokeOptions = options.flag('keep-children') ? { keepChildren: true } : {}
  return withCoffre(invocation, async (coffre) => {
    const id =
      given === undefined ? await ownId(invocation, () => coffre.tokens.whoami()) : parseTokenId(given)
    if (options.flag('dry-run')) {
      const { id: known } = isSelf ? { id } : await coffre.tokens.get(id)
      return reportPlan(invocation, { request: { id: known, ...how }, lines: [] })
    }
    await (isSelf ? coffre.tokens.revokeSelf(how) : coffre.tokens.revoke(id, how))
    await printer.done({ id, revoked: true }, 'done.tokenRevoked', { id })
    return OK
  })
}

async function ownId(
  { command }: Invocation,
  whoami: () => Promise<{ readonly token?: { readonly id: string } }>,
): Promise<string> {
  const { token } = await whoami()
  // The data folder is opened without a token.
  if (token === undefined) throw UsageError.of('usage.serverOnly', { name: `coffre ${command} --self` })
  return token.id
}

function runRenew(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const ttlSeconds = options.wholeNumber('ttl-seconds', TTL_SECONDS)
  const request = ttlSeconds === undefined ? {} : { ttlSeconds }
  return withCoffre(invocation, async (coffre) => {
    const id = await ownId(invocation, () => coffre.tokens.whoami())
    if (options.flag('dry-run')) return reportPlan(invocation, { request: { id, ...request }, lines: [] })
    const token = await coffre.tokens.renew(request)
    await printer.done(token, 'done.tokenRenewed', { id: token.id, moment: token.expiresAt ?? '–' })
    return OK
  })
}

function runWhoami(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const identity = await coffre.tokens.whoami()
    await printer.show(identity, () => formatIdentity(printer, identity))
    return OK
  })
}
