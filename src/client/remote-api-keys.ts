import type {
  ApiKeys,
  ApiKeyTest,
  ApiKeyView,
  ListedApiKey,
  RevokedApiKeys,
  RotatedWrapping,
  RotateWrappingOptions,
} from '../model/api-key.ts'
import { CoffreError } from '../model/errors.ts'
import { parseClientId } from '../model/ids.ts'
import { LINES_TYPE } from '../model/wire.ts'
import { type AnswerShape, parseAnswer, parseList, parseObject } from './answer-shape.ts'
import type { Call, Connection } from './connection.ts'
import { parseBatchError } from './parse-problem.ts'
import { formatQuery } from './remote-keys.ts'
import { parseJson, readLines } from './remote-streams.ts'
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
const REVOKED_SHAPE: AnswerShape<RevokedApiKeys> = { revoked: 'number' }
const TOLD_SHAPE: AnswerShape<{ readonly done: number; readonly of: number }> = {
  done: 'number',
  of: 'number',
}

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
    rotateWrapping: (options) => rotateWrapping(connection, options),
    revokeAll: (options = {}) =>
      ask({ method: 'POST', path: '/api-keys/revoke-all', body: options }, REVOKED_SHAPE),
  }
}

/** An id reads as a client id too; parsing keeps either from leaving its place in the path. */
function pathOf(user: string | undefined): string {
  return `/users/${user === undefined ? 'me' : parseClientId(user)}/api-key`
}

/** Told how far it is, a client waits for the next page and not for the end. */
async function rotateWrapping(
  connection: Connection,
  { to, tell }: RotateWrappingOptions = {},
): Promise<RotatedWrapping> {
  const body = Buffer.from(JSON.stringify(to === undefined ? {} : { to }))
  const answer = await connection.sendStream({
    path: '/api-keys/rotate-wrapping',
    body: ReadableStream.from([body]),
    type: 'application/json',
    accept: LINES_TYPE,
    headers: {},
  })
  for await (const line of readLines(answer)) {
    const told = parseObject(parseJson(line))
    if (told['ok'] === true) return parseAnswer(told['value'], ROTATED_SHAPE)
    if (told['ok'] === false) throw toError(told['error'])
    const { done, of } = parseAnswer(told, TOLD_SHAPE)
    tell?.(done, of)
  }
  throw new CoffreError('STREAM_INCOMPLETE')
}

function toError(value: unknown): CoffreError {
  const { code, facts } = parseBatchError(value)
  return new CoffreError(code, { facts })
}
