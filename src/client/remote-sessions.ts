import { Secret } from '../model/secret.ts'
import type { CheckSessionRequest, CoffreSessions, NewSession, Session } from '../model/session.ts'
import { type AnswerShape, parseAnswer } from './answer-shape.ts'
import type { Connection } from './connection.ts'
import { revealText } from './remote-users.ts'

const SESSION_SHAPE: AnswerShape<Session> = {
  user: 'string',
  sessionId: 'string',
  tokenId: 'string',
  data: 'object',
  startedAt: 'string',
  issuedAt: 'string',
  expiresAt: 'string',
  endsAt: 'string',
}
/** On the wire the token is plain text. */
interface NewSessionText extends Session {
  readonly token: string
}
const NEW_SESSION_SHAPE: AnswerShape<NewSessionText> = { ...SESSION_SHAPE, token: 'string' }

interface Checked {
  readonly valid: boolean
  readonly session?: unknown
}

export function remoteSessions(connection: Connection): CoffreSessions {
  const check = async (way: 'verify' | 'refresh', request: CheckSessionRequest): Promise<unknown> => {
    const body = { ...request, token: revealText(request.token) }
    const answer = await connection.send({ method: 'POST', path: `/sessions/${way}`, body })
    const { valid, session } = parseAnswer<Checked>(answer, { valid: 'boolean' })
    return valid ? session : undefined
  }
  return {
    create: async (request) => {
      const answer = await connection.send({ method: 'POST', path: '/sessions', body: request })
      return hideToken(parseAnswer<NewSessionText>(answer, NEW_SESSION_SHAPE))
    },
    verify: async (request) => {
      const session = await check('verify', request)
      return session === undefined ? undefined : parseAnswer<Session>(session, SESSION_SHAPE)
    },
    refresh: async (request) => {
      const session = await check('refresh', request)
      return session === undefined
        ? undefined
        : hideToken(parseAnswer<NewSessionText>(session, NEW_SESSION_SHAPE))
    },
    revoke: async (request) => {
      await connection.send({ method: 'POST', path: '/sessions/revoke', body: request })
    },
  }
}

function hideToken({ token, ...session }: NewSessionText): NewSession {
  return { ...session, token: new Secret(token) }
}
