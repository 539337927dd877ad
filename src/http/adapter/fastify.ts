import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SessionGate, type SessionWebOptions, type WebHeader } from './session-gate.ts'
import { WebSession } from './web-session.ts'

export type { SessionWebOptions } from './session-gate.ts'
export type { WebSession } from './web-session.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of `coffreSessions`. */
    session: WebSession
  }
}

/** Sessions in cookies, with CSRF and CORS, for every route of the server that it is registered on. */
export async function coffreSessions(server: FastifyInstance, options: SessionWebOptions): Promise<void> {
  const gate = new SessionGate(options)
  server.decorateRequest('session')
  server.addHook('onRequest', (request, reply) => admit(gate, request, reply))
}

// Not in a scope of its own (fastify, reference, Plugins): it is for the routes beside it.
Object.assign(coffreSessions, { [Symbol.for('skip-override')]: true })

async function admit(
  gate: SessionGate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { method, headers } = request
  const admission = await gate.admit({ method, headers })
  for (const [name, value] of admission.headers) void reply.header(name, value)
  if (admission.kind === 'preflight') return reply.code(204).send()
  if (admission.kind === 'refuse') return reply.code(admission.status).send(admission.error.toJSON())
  const setHeader = ([name, value]: WebHeader) => void reply.header(name, value)
  request.session = new WebSession(gate, admission.session, setHeader)
  return undefined
}
