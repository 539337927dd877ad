import type { FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { CreatedToken } from '../../model/coffre.ts'
import { CallerCoffre } from '../../service/caller-coffre.ts'
import { CREATED_TOKEN } from '../access-schema.ts'
import { anonymousCaller } from '../authenticate.ts'
import {
  CERTIFICATE_LOGIN,
  CLIENT_LOGIN,
  CREATE_LOGIN_ROLE,
  JWT_LOGIN,
  LOGIN_ROLE,
  LOGIN_ROLE_PATH,
} from '../login-schema.ts'
import { PROBLEM } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import type { TlsListener } from '../tls/tls-listener.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'logins'
/** Anybody may send it: a JWT of the greatest length and the names beside it. */
const MAX_LOGIN_BODY_BYTES = 10 * 1024

export function addLoginRoutes(api: Api, parts: ServerParts, tls: TlsListener | undefined): void {
  addLoginRoleRoutes(api, parts)
  const typed = api.withTypeProvider<ZodTypeProvider>()
  const options = (summary: string) => ({
    bodyLimit: MAX_LOGIN_BODY_BYTES,
    schema: { summary, tags: [TAG], response: { 201: CREATED_TOKEN, default: PROBLEM } },
  })
  const jwt = options('A short-lived token for a JWT; needs no token')
  typed.post('/login/jwt', { ...jwt, schema: { ...jwt.schema, body: JWT_LOGIN } }, async (request, reply) => {
    const coffre = new CallerCoffre(parts.core, anonymousCaller(request))
    const { jwt: text, role } = request.body
    const created = await coffre.logins.withJwt({ ...dropUndefined(request.body), jwt: text, role })
    return reply.code(201).send(shown(created))
  })
  const certificate = options(
    'A short-lived token for the client certificate of this connection; needs no token',
  )
  const schema = { ...certificate.schema, body: CERTIFICATE_LOGIN }
  typed.post('/login/certificate', { ...certificate, schema }, async (request, reply) => {
    const coffre = new CallerCoffre(parts.core, {
      ...anonymousCaller(request),
      certificate: certificateOf(request, tls),
    })
    const { role } = request.body
    const created = await coffre.logins.withCertificate({ ...dropUndefined(request.body), role })
    return reply.code(201).send(shown(created))
  })
  const client = options('A token of one hour for a client id and its secret; needs no token')
  const body = { ...client.schema, body: CLIENT_LOGIN }
  typed.post('/login/client', { ...client, schema: body }, async (request, reply) => {
    const coffre = new CallerCoffre(parts.core, anonymousCaller(request))
    const { client_id: clientId, client_secret: clientSecret, tenant } = request.body
    const within = tenant === undefined ? {} : { tenant }
    return reply.code(201).send(shown(await coffre.logins.withClient({ clientId, clientSecret, ...within })))
  })
}

function certificateOf(request: FastifyRequest, tls: TlsListener | undefined): Uint8Array | undefined {
  return tls?.clientCertificate(request.raw.socket)
}

function shown(created: CreatedToken) {
  const { policies, cidrs, token } = created
  return { ...created, policies: [...policies], cidrs: [...cidrs], token: token.reveal() }
}

function addLoginRoleRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/login-roles',
    summary: 'Create a login role: a way to get a token with a JWT or a client certificate',
    tag: TAG,
    body: CREATE_LOGIN_ROLE,
    result: LOGIN_ROLE,
    status: 201,
    run: (coffre, { body }) => {
      const { name, method, boundClaims, role } = body
      return coffre.logins.createRole({ ...dropUndefined(body), name, method, boundClaims, role })
    },
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/login-roles',
    summary: 'List login roles by name',
    tag: TAG,
    result: z.object({ loginRoles: z.array(LOGIN_ROLE) }),
    run: async (coffre) => ({ loginRoles: await coffre.logins.listRoles() }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/login-roles/:name',
    summary: 'Show a login role',
    tag: TAG,
    path: LOGIN_ROLE_PATH,
    result: LOGIN_ROLE,
    run: (coffre, { path }) => coffre.logins.getRole(path.name),
  })
  addRoute(api, parts, {
    method: 'DELETE',
    url: '/login-roles/:name',
    summary: 'Delete a login role; tokens that it gave stay valid until they end',
    tag: TAG,
    path: LOGIN_ROLE_PATH,
    status: 204,
    run: (coffre, { path }) => coffre.logins.deleteRole(path.name),
  })
}
