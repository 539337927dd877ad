import type { FastifyRequest } from 'fastify'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { DEFAULT_TENANT, parseRequestId } from '../model/ids.ts'
import { CallerCoffre } from '../service/caller-coffre.ts'
import type { Caller } from '../service/caller.ts'
import type { Core } from '../service/operator/core.ts'

const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i

/** The Coffre of whoever sent this request. Throws UNAUTHENTICATED. */
export async function authenticate(core: Core, request: FastifyRequest): Promise<Coffre> {
  const match = BEARER.exec(request.headers.authorization ?? '')
  const token = match?.[1]
  if (token === undefined) throw new CoffreError('UNAUTHENTICATED')
  return new CallerCoffre(core, await core.tokens.authenticate(token, parseRequestId(request.id)))
}

/** For the two routes that need no token. Its role may do nothing that asks for a permission but `app`'s. */
export function anonymousCaller(request: FastifyRequest): Caller {
  return {
    principal: { kind: 'anonymous', id: '', tenant: DEFAULT_TENANT },
    role: 'app',
    requestId: parseRequestId(request.id),
  }
}
