import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Coffre } from '../../model/coffre.ts'
import type { CoffreError } from '../../model/errors.ts'
import { MAX_SMALL_BODY_BYTES } from '../../model/limits.ts'
import { CallerCoffre } from '../../service/caller-coffre.ts'
import { authenticateCaller, authenticateUser } from '../authenticate.ts'
import { toCoffreError } from '../problem.ts'
import { PROBLEM } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'

export type Api = FastifyInstance

const NO_BODY = z.null().describe('Done; there is no body')

/** What a route is: its shapes, and what it does with the caller's Coffre. */
export interface RouteShape<Body extends z.ZodType, Path extends z.ZodType, Query extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly summary: string
  readonly tag: string
  readonly body?: Body
  readonly path?: Path
  readonly query?: Query
  readonly result?: z.ZodType
  readonly status?: number
  /** MAX_SMALL_BODY_BYTES when absent. */
  readonly bodyLimit?: number
  /** What a body above the limits is answered with; LIMIT_EXCEEDED when absent. */
  readonly refuseLarge?: () => CoffreError
  /** True: `request.bodyText` is the body as it came. */
  readonly keepsText?: true
  /** True: a client secret does as well as a token. */
  readonly takesClientSecret?: true
  run(
    coffre: Coffre,
    input: { readonly body: z.output<Body>; readonly path: z.output<Path>; readonly query: z.output<Query> },
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown>
}

/** Registers a route that needs a token, or what does as well. */
export function addRoute<
  Body extends z.ZodType = z.ZodUndefined,
  Path extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
>(api: Api, parts: ServerParts, route: RouteShape<Body, Path, Query>): void {
  const status = route.status ?? 200
  api.route({
    method: route.method,
    url: route.url,
    bodyLimit: route.bodyLimit ?? MAX_SMALL_BODY_BYTES,
    config: { keepsText: route.keepsText === true },
    schema: {
      summary: route.summary,
      tags: [route.tag],
      security: route.takesClientSecret === true ? [{ token: [] }, { client: [] }] : [{ token: [] }],
      ...(route.body === undefined ? {} : { body: route.body }),
      ...(route.path === undefined ? {} : { params: route.path }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      response: { [status]: route.result ?? NO_BODY, default: PROBLEM },
    },
    ...answerLarge(route.refuseLarge),
    // Before the body is read: strangers cannot make us parse.
    onRequest: async (request) => {
      const authenticate = route.takesClientSecret === true ? authenticateUser : authenticateCaller
      const caller = await authenticate(parts.core, request)
      api.refusedBodies.check(request, caller.principal.id)
      request.callerId = caller.principal.id
      request.coffre = new CallerCoffre(parts.core, caller)
    },
    handler: async (request, reply) => {
      // The validator has parsed each part by the very schema that gives it its type.
      const body = request.body as z.output<Body>
      const path = request.params as z.output<Path>
      const query = request.query as z.output<Query>
      const answer = await route.run(request.coffre, { body, path, query }, request, reply)
      return reply.code(status).send(answer)
    },
  })
}

/** What is thrown here comes to the server's own handler. */
function answerLarge(refuseLarge: (() => CoffreError) | undefined) {
  if (refuseLarge === undefined) return {}
  return {
    errorHandler: (error: unknown) => {
      throw toCoffreError(error, 'application/json').code === 'LIMIT_EXCEEDED' ? refuseLarge() : error
    },
  }
}
