import type { ApiKeys, ApiKeyTest, ApiKeyView, ListedApiKey, RotatedWrapping } from '../model/api-key.ts'
import { parseClientId } from '../model/ids.ts'
import { type AnswerShape, parseAnswer, parseList } from './answer-shape.ts'
import type { Call, Connection } from './connection.ts'
import { formatQuery } from './remote-keys.ts'
import { revealText } from './remote-users.ts'

const VIEW_SHAPE: AnswerShape<ApiKeyView> = { status: 'string' }
const OWN_SHAPE: AnswerShape<{ readonly apiKey: ApiKeyView }> = { apiKey: 'object' }
const LISTED_SHAPE: AnswerShape<ListedApiKey> = { user: 'string', clientId: 'string', status: 'string' }
const TEST_SHAPE: AnswerShape<ApiKeyTest> = { verdict: 'string' }
const ROTATED_SHAPE: AnswerShape<RotatedWrapping> = {
  form: 'string',
  rotated: 'number',
  unreadable: 'number',
}
const REVOKED_SHAPE: AnswerShape<{ readonly revoked: number }> = { revoked: 'number' }
/** Every key of every tenant is encrypted again before the answer comes. */
const ROTATION_TIMEOUT_MS = 3_600_000

export function remoteApiKeys(connection: Connection): ApiKeys {
  const ask = async <Answer>(call: Call, shape: AnswerShape<Answer>): Promise<Answer> =>
    parseAnswer<Answer>(await connection.send(call), shape)
  return {
    set: ({ user, apiKey, provider }) => {
      const body = { api_key: revealText(apiKey), ...(provider === undefined ? {} : { provider }) }
      return ask({ method: 'PATCH', path: pathOf(user), body }, VIEW_SHAPE)
    },
    get: async (user) => {
      if (user !== undefined) return ask({ method: 'GET', path: pathOf(user) }, VIEW_SHAPE)
      const { apiKey } = await ask({ method: 'GET', path: '/users/me' }, OWN_SHAPE)
      return parseAnswer<ApiKeyView>(apiKey, VIEW_SHAPE)
    },
    remove: async (user) => {
      await connection.send({ method: 'DELETE', path: pathOf(user) })
    },
    test: (user) => ask({ method: 'POST', path: `${pathOf(user)}/test`, body: {} }, TEST_SHAPE),
    list: async ({ after, limit } = {}) => {
      const path = `/api-keys${formatQuery({ after, limit })}`
      return parseList(await connection.send({ method: 'GET', path }), 'apiKeys', LISTED_SHAPE)
    },
    rotateWrapping: async ({ to, tell } = {}) => {
      const body = to === undefined ? {} : { to }
      const path = '/api-keys/rotate-wrapping'
      const timeoutMilliseconds = ROTATION_TIMEOUT_MS
      const done = await ask({ method: 'POST', path, body, timeoutMilliseconds }, ROTATED_SHAPE)
      tell?.(done.rotated, done.rotated)
      return done
    },
    revokeAll: () => ask({ method: 'POST', path: '/api-keys/revoke-all', body: {} }, REVOKED_SHAPE),
  }
}

/** An id reads as a client id too; parsing keeps either from leaving its place in the path. */
function pathOf(user: string | undefined): string {
  return `/users/${user === undefined ? 'me' : parseClientId(user)}/api-key`
}
