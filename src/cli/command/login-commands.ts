import type { Coffre, CreatedToken } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_CLIENT_SECRET_CHARACTERS } from '../../model/limits.ts'
import {
  type CreateLoginRoleRequest,
  LOGIN_ALGORITHMS,
  LOGIN_METHODS,
  type Logins,
} from '../../model/login-role.ts'
import { ROLES } from '../../model/token.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { readLimited, readLimitedFile } from '../input/read-limited.ts'
import { readSecretFile } from '../input/secret-file.ts'
import { forgetToken, saveToken } from '../input/saved-token.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN } from '../line/option-rows.ts'
import { reportPlan } from '../output/report-plan.ts'
import { choosePlace } from '../place.ts'
import { UsageError } from '../usage-error.ts'
import { connectWithout, withCoffre } from '../with-coffre.ts'

const TTL_SECONDS = { from: 60, to: 86_400 }
const MAX_USES = { from: 1, to: 1_000_000_000 }
const MAX_JWKS_BYTES = 64 * 1024
const MAX_JWT_BYTES = 8 * 1024
/** A user needs no login role. */
const WAYS = [...LOGIN_METHODS, 'client'] as const
const ROLE_ARGUMENT = [{ syntax: '<login-role>', help: 'argument.loginRole' }] as const

export const loginCommands: readonly CommandRow[] = [
  {
    path: ['login'],
    summary: 'command.login',
    options: [
      { flags: '--method <method>', help: 'option.loginMethod', choices: WAYS },
      { flags: '--role <login-role>', help: 'option.loginRole' },
      { flags: '--tenant <tenant>', help: 'option.loginTenant' },
      { flags: '--jwt-file <file>', help: 'option.jwtFile' },
      { flags: '--client-id <id>', help: 'option.clientId' },
      { flags: '--client-secret-file <file>', help: 'option.loginSecretFile' },
      DRY_RUN,
    ],
    run: runLogin,
  },
  { path: ['logout'], summary: 'command.logout', run: runLogout },
  {
    path: ['login-role', 'create'],
    summary: 'command.login-role.create',
    arguments: ROLE_ARGUMENT,
    options: [
      { flags: '--method <method>', help: 'option.loginMethod', choices: LOGIN_METHODS },
      { flags: '--role <role>', help: 'option.role', choices: ROLES },
      { flags: '--bound <claim=value>', help: 'option.bound', repeats: true },
      { flags: '--policy <name>', help: 'option.grantPolicy', repeats: true },
      { flags: '--ttl-seconds <number>', help: 'option.loginTtl' },
      { flags: '--max-uses <number>', help: 'option.loginUses' },
      { flags: '--issuer <text>', help: 'option.issuer' },
      { flags: '--audience <text>', help: 'option.audience' },
      { flags: '--algorithm <name>', help: 'option.jwtAlgorithm', repeats: true },
      { flags: '--jwks-url <url>', help: 'option.jwksUrl' },
      { flags: '--jwks-file <file>', help: 'option.jwksFile' },
      DRY_RUN,
    ],
    run: runCreate,
  },
  { path: ['login-role', 'list'], summary: 'command.login-role.list', run: runList },
  {
    path: ['login-role', 'show'],
    summary: 'command.login-role.show',
    arguments: ROLE_ARGUMENT,
    run: runShow,
  },
  {
    path: ['login-role', 'delete'],
    summary: 'command.login-role.delete',
    arguments: ROLE_ARGUMENT,
    options: [DRY_RUN],
    run: runDelete,
  },
]

async function runLogin(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const address = requireServer(invocation, 'coffre login')
  const { request, login } = await readLogin(invocation)
  const coffre = await connectWithout(invocation, address)
  try {
    if (options.flag('dry-run')) return await planLogin(invocation, coffre, request)
    const created = await login(coffre.logins)
    const file = await saveToken(terminal.environment, address, created.token)
    const { token: _secret, ...shown } = created
    const { id, role, expiresAt = '–' } = created
    await printer.done({ ...shown, file }, 'done.loggedIn', { id, role, moment: expiresAt, file })
    return OK
  } finally {
    await coffre.close()
  }
}

/** `request` is what may be shown of it. */
interface AskedLogin {
  readonly request: object
  readonly login: (logins: Logins) => Promise<CreatedToken>
}

async function readLogin(invocation: Invocation): Promise<AskedLogin> {
  const { options, terminal } = invocation
  const method = options.choice('method', WAYS) ?? missing('--method')
  const tenant = options.text('tenant')
  const within = tenant === undefined ? {} : { tenant }
  if (method === 'client') {
    const named = { clientId: options.required('client-id'), ...within }
    const path = options.required('client-secret-file')
    const limit = { name: '--client-secret-file', maximumBytes: MAX_CLIENT_SECRET_CHARACTERS }
    const clientSecret = await readSecretFile(terminal, path, limit)
    return {
      request: { method, ...named },
      login: (logins) => logins.withClient({ ...named, clientSecret }),
    }
  }
  const named = { role: options.required('role'), ...within }
  const jwt = method === 'jwt' ? await readJwt(invocation) : undefined
  return {
    request: { method, ...named },
    login: (logins) =>
      jwt === undefined ? logins.withCertificate(named) : logins.withJwt({ ...named, jwt }),
  }
}

/** What can be known without a token: the server is there and open. Whether it lets somebody in, only a login shows. */
async function planLogin(invocation: Invocation, coffre: Coffre, request: object): Promise<ExitCode> {
  const { sealed } = await coffre.operator.status()
  if (sealed) throw new CoffreError('SEALED')
  return reportPlan(invocation, { request, lines: [] })
}

/** Never on the command line: whoever has the JWT can log in. */
async function readJwt({ options, terminal }: Invocation): Promise<string> {
  const path = options.text('jwt-file') ?? missing('--jwt-file')
  const limit = { name: '--jwt-file', maximumBytes: MAX_JWT_BYTES }
  const bytes = path === '-' ? await readLimited(terminal.stdin, limit) : await readLimitedFile(path, limit)
  return Buffer.from(bytes).toString('latin1').trim()
}

/** A token that is over already is removed all the same. */
async function runLogout(invocation: Invocation): Promise<ExitCode> {
  const { printer, terminal } = invocation
  requireServer(invocation, 'coffre logout')
  let revoked = true
  try {
    await withCoffre(invocation, (coffre) => coffre.tokens.revokeSelf())
  } catch (error) {
    if (!(error instanceof CoffreError) || error.code !== 'UNAUTHENTICATED') throw error
    revoked = false
  }
  await forgetToken(terminal.environment)
  await printer.done({ revoked }, 'done.loggedOut')
  return OK
}

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const request = await readRequest(invocation)
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { ...request }, lines: [] })
  return withCoffre(invocation, async (coffre) => {
    const role = await coffre.logins.createRole(request)
    await printer.done(role, 'done.loginRoleCreated', { name: role.name })
    return OK
  })
}

async function readRequest(invocation: Invocation): Promise<CreateLoginRoleRequest> {
  const { options } = invocation
  const algorithms = options
    .list('algorithm')
    .map((text) => readChoice(text, LOGIN_ALGORITHMS, '--algorithm'))
  const policies = options.list('policy')
  const jwks = await readJwks(invocation)
  const ttlSeconds = options.wholeNumber('ttl-seconds', TTL_SECONDS)
  const maxUses = options.wholeNumber('max-uses', MAX_USES)
  return {
    name: valueAt(invocation, 0),
    method: options.choice('method', LOGIN_METHODS) ?? missing('--method'),
    role: options.choice('role', ROLES) ?? missing('--role'),
    boundClaims: readBound(options.list('bound')),
    ...(policies.length === 0 ? {} : { policies }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(maxUses === undefined ? {} : { maxUses }),
    ...textOption(invocation, 'issuer', 'issuer'),
    ...textOption(invocation, 'audience', 'audience'),
    ...textOption(invocation, 'jwks-url', 'jwksUrl'),
    ...(algorithms.length === 0 ? {} : { algorithms }),
    ...(jwks === undefined ? {} : { jwks }),
  }
}

function textOption(invocation: Invocation, option: string, field: string): object {
  const text = invocation.options.text(option)
  return text === undefined ? {} : { [field]: text }
}

/** The file is read here and sent: a server reads no files for those who may use it. */
async function readJwks({ options }: Invocation): Promise<string | undefined> {
  const path = options.text('jwks-file')
  if (path === undefined) return undefined
  return Buffer.from(
    await readLimitedFile(path, { name: '--jwks-file', maximumBytes: MAX_JWKS_BYTES }),
  ).toString('utf8')
}

/** Several values of one claim are alternatives. */
function readBound(pairs: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const claims = new Map<string, string[]>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw UsageError.of('usage.pair', { name: '--bound' })
    const name = pair.slice(0, at)
    claims.set(name, [...(claims.get(name) ?? []), pair.slice(at + 1)])
  }
  if (claims.size === 0) missing('--bound')
  return Object.fromEntries(claims)
}

function readChoice<Choice extends string>(text: string, choices: readonly Choice[], name: string): Choice {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw UsageError.of('usage.choice', { name, choices: choices.join(', ') })
  return found
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const loginRoles = await coffre.logins.listRoles()
    await printer.show({ loginRoles }, () =>
      loginRoles.map(({ name, method, role, policies = [] }) => [name, method, role, ...policies].join('  ')),
    )
    if (loginRoles.length === 0) await printer.note('list.empty')
    return OK
  })
}

function runShow(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const role = await coffre.logins.getRole(valueAt(invocation, 0))
    await printer.show(role, () =>
      Object.entries(role).map(
        ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ),
    )
    return OK
  })
}

function runDelete(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = valueAt(invocation, 0)
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) {
      await coffre.logins.getRole(name)
      return reportPlan(invocation, { request: { name }, lines: [] })
    }
    await coffre.logins.deleteRole(name)
    await printer.done({ name, deleted: true }, 'done.loginRoleDeleted', { name })
    return OK
  })
}

function requireServer({ options, terminal }: Invocation, name: string): string {
  const place = choosePlace(options, terminal.environment)
  if (place.kind !== 'server') throw UsageError.of('usage.serverOnly', { name })
  return place.address
}

function missing(name: string): never {
  throw UsageError.of('usage.optionMissing', { name })
}
