import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Admission, SessionGate, type SessionWebOptions, type WebHeader } from './session-gate.ts'
import { WebSession } from './web-session.ts'

export type { SessionWebOptions } from './session-gate.ts'
export type { WebSession } from './web-session.ts'

/** A request that went through `coffreSessions`. */
export interface WithSession {
  session: WebSession
}

declare global {
  // Express takes members of its requests from here (@types/express-serve-static-core).
  // oxlint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** Of `coffreSessions`. */
      session: WebSession
    }
  }
}

export type SessionMiddleware = (
  request: IncomingMessage & Partial<WithSession>,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/** Sessions in cookies, with CSRF and CORS, for Express and whatever else takes its middleware. */
export function coffreSessions(options: SessionWebOptions): SessionMiddleware {
  const gate = new SessionGate(options)
  return async (request, response, next) => {
    try {
      const { method = 'GET', headers } = request
      const admission = await gate.admit({ method, headers })
      if (answer(admission, response)) return
      const current = admission.kind === 'pass' ? admission.session : undefined
      request.session = new WebSession(gate, current, (header) => addHeader(response, header))
    } catch (error) {
      next(error)
      return
    }
    next()
  }
}

/** Whether the request was answered here. */
function answer(admission: Admission, response: ServerResponse): boolean {
  for (const header of admission.headers) addHeader(response, header)
  if (admission.kind === 'pass') return false
  if (admission.kind === 'preflight') {
    response.writeHead(204).end()
    return true
  }
  response.writeHead(admission.status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(admission.error))
  return true
}

/** Others say what their answers vary with too, and each cookie is a header of its own; the rest stands once. */
function addHeader(response: ServerResponse, [name, value]: WebHeader): void {
  if (name === 'vary' || name === 'set-cookie') response.appendHeader(name, value)
  else response.setHeader(name, value)
}
