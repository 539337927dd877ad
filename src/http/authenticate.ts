import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { DEFAULT_TENANT, parseRequestId } from '../model/ids.ts'
import { Secret } from '../model/secret.ts'
import { NO_ACCESS } from '../service/policy/access.ts'
import { CallerCoffre } from '../service/caller-coffre.ts'
import type { Caller } from '../service/caller.ts'
import type { Core } from '../service/operator/core.ts'
import type { UserCredential } from '../service/users/user-service.ts'

const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i
/** Tenant, client id and secret at their longest. */
const BASIC = /^Basic ([A-Za-z0-9+/]{1,448}={0,2})$/i
const CLIENT_SECRET_PREFIX = 'coffre_cs_'

/** The Coffre of whoever sent this request. Throws UNAUTHENTICATED. */
export async function authenticate(core: Core, request: FastifyRequest): Promise<Coffre> {
  return new CallerCoffre(core, await authenticateCaller(core, request))
}

export async function authenticateCaller(core: Core, request: FastifyRequest): Promise<Caller> {
  const match = BEARER.exec(request.headers.authorization ?? '')
  const token = match?.[1]
  if (token === undefined) throw new CoffreError('UNAUTHENTICATED')
  return core.tokens.authenticate(token, originOf(request))
}

/**
 * Besides a token, for a user's own addresses: HTTP Basic with client id and secret, or a client secret of Coffre's own
 * form as the bearer. Throws UNAUTHENTICATED and RATE_LIMITED.
 */
export async function authenticateUser(core: Core, request: FastifyRequest): Promise<Caller> {
  const credential = readUserCredential(request.headers.authorization ?? '')
  if (credential === undefined) return authenticateCaller(core, request)
  return core.users.authenticateCaller(credential, originOf(request))
}

/** The secret that `authenticateUser` has judged; `undefined` where a token proved who asks. */
export function readClientSecret(request: FastifyRequest): Secret | undefined {
  const credential = readUserCredential(request.headers.authorization ?? '')
  return credential === undefined ? undefined : new Secret(credential.secret)
}

function readUserCredential(authorization: string): UserCredential | undefined {
  const bearer = BEARER.exec(authorization)?.[1]
  if (bearer?.startsWith(CLIENT_SECRET_PREFIX) === true) return { secret: bearer }
  const encoded = BASIC.exec(authorization)?.[1]
  return encoded === undefined ? undefined : readBasic(Buffer.from(encoded, 'base64').toString('utf8'))
}

/** RFC 7617: up to the first colon is the name; here `tenant/` may stand before it. */
function readBasic(pair: string): UserCredential {
  const colon = pair.indexOf(':')
  const [name, secret] = colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)]
  const slash = name.indexOf('/')
  if (slash < 0) return { clientId: name, secret }
  return { tenant: name.slice(0, slash), clientId: name.slice(slash + 1), secret }
}

/** What a trusted proxy says of the caller, unless it is no address: then the proxy's own. */
function addressOf({ ip, socket }: FastifyRequest): string {
  return isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip
}

function originOf(request: FastifyRequest) {
  return { requestId: parseRequestId(request.id), address: addressOf(request) }
}

/** For the two routes that need no token. Its role may do nothing that asks for a permission but `app`'s. */
export function anonymousCaller(request: FastifyRequest): Caller {
  return {
    principal: { kind: 'anonymous', id: '', tenant: DEFAULT_TENANT },
    role: 'app',
    access: NO_ACCESS,
    ...originOf(request),
  }
}
