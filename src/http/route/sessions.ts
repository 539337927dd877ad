import type { NewSession } from '../../model/session.ts'
import type { ServerParts } from '../server-parts.ts'
import {
  CHECK_SESSION,
  CHECKED_SESSION,
  CREATE_SESSION,
  NEW_SESSION,
  REFRESHED_SESSION,
  REVOKE_SESSIONS,
} from '../session-schema.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'sessions'

export function addSessionRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/sessions',
    summary: 'Begin a session of a user of an application; its token is shown once',
    tag: TAG,
    body: CREATE_SESSION,
    result: NEW_SESSION,
    status: 201,
    run: async (coffre, { body }) => {
      const { key, audience, user } = body
      return shown(await coffre.sessions.create({ ...dropUndefined(body), key, audience, user }))
    },
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/sessions/verify',
    summary: 'Judge a session token; the answer does not say what is wrong with one',
    tag: TAG,
    body: CHECK_SESSION,
    result: CHECKED_SESSION,
    run: async (coffre, { body }) => {
      const { key, audience, token } = body
      const session = await coffre.sessions.verify({ ...dropUndefined(body), key, audience, token })
      return session === undefined ? { valid: false } : { valid: true, session }
    },
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/sessions/refresh',
    summary: 'The same session in a new token',
    tag: TAG,
    body: CHECK_SESSION,
    result: REFRESHED_SESSION,
    run: async (coffre, { body }) => {
      const { key, audience, token } = body
      const session = await coffre.sessions.refresh({ ...dropUndefined(body), key, audience, token })
      return session === undefined ? { valid: false } : { valid: true, session: shown(session) }
    },
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/sessions/revoke',
    summary: 'End one session, every session of a user, or all under a key',
    tag: TAG,
    body: REVOKE_SESSIONS,
    status: 204,
    run: (coffre, { body }) => coffre.sessions.revoke({ ...dropUndefined(body), key: body.key }),
  })
}

function shown(session: NewSession) {
  return { ...session, token: session.token.reveal() }
}
