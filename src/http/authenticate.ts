import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { DEFAULT_TENANT, parseRequestId } from '../model/ids.ts'
import { NO_ACCESS } from '../service/policy/access.ts'
import { CallerCoffre } from '../service/caller-coffre.ts'
import type { Caller } from '../service/caller.ts'
import type { Core } from '../service/operator/core.ts'

const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i

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
