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
  for (const header of admission.headers) addHeader(reply, header)
  if (admission.kind === 'preflight') return reply.code(204).send()
  if (admission.kind === 'refuse') return reply.code(admission.status).send(admission.error.toJSON())
  request.session = new WebSession(gate, admission.session, (header) => addHeader(reply, header))
  return undefined
}

/** `header` replaces all but cookies, and others say what their answers vary with too. */
function addHeader(reply: FastifyReply, [name, value]: WebHeader): void {
  const before = name === 'vary' ? reply.getHeader(name) : undefined
  void reply.header(name, before === undefined ? value : `${[before].flat().join(', ')}, ${value}`)
}
