import { parseClientId } from '../model/ids.ts'
import { Secret } from '../model/secret.ts'
import type { EraseReceipt } from '../model/cache.ts'
import type {
  CreatedUser,
  CreateUserRequest,
  DeletedUser,
  RotateSecretRequest,
  Users,
  UserView,
} from '../model/user.ts'
import { type AnswerShape, parseAnswer, parseList, RECEIPT_SHAPE } from './answer-shape.ts'
import { type Call, type Connection, WALK_TIMEOUT_MS } from './connection.ts'
import { formatQuery } from './remote-keys.ts'

const USER_SHAPE: AnswerShape<UserView> = {
  id: 'string',
  clientId: 'string',
  tenant: 'string',
  createdAt: 'string',
  updatedAt: 'string',
}

const DELETED_SHAPE: AnswerShape<DeletedUser> = { id: 'string', cache: 'object' }

/** On the wire a new secret is plain text. */
interface CreatedUserText extends UserView {
  readonly clientSecret?: string
  readonly cacheKeyUnderSecret?: 'rewrapped' | 'dropped'
}

export function remoteUsers(connection: Connection): Users {
  const ask = async (call: Call): Promise<UserView> =>
    parseAnswer<UserView>(await connection.send(call), USER_SHAPE)
  const make = async (path: string, request: CreateUserRequest & RotateSecretRequest) => {
    const { clientSecret, oldSecret, ...rest } = request
    const body = {
      ...rest,
      ...(clientSecret === undefined ? {} : { clientSecret: revealText(clientSecret) }),
      ...(oldSecret === undefined ? {} : { oldSecret: revealText(oldSecret) }),
    }
    const answer = await connection.send({ method: 'POST', path, body })
    return hideSecret(parseAnswer<CreatedUserText>(answer, USER_SHAPE))
  }
  return {
    create: (request = {}) => make('/users', request),
    list: async (query = {}) => {
      const path = `/users${formatQuery({ after: query.after, limit: query.limit })}`
      return parseList<UserView>(await connection.send({ method: 'GET', path }), 'users', USER_SHAPE)
    },
    get: (user) => ask({ method: 'GET', path: userPath(user) }),
    me: () => ask({ method: 'GET', path: '/users/me' }),
    rotateSecret: (user, request = {}) => make(`${userPath(user)}/rotate-secret`, request),
    delete: async (user) => {
      const call = { method: 'DELETE', path: userPath(user), timeoutMilliseconds: WALK_TIMEOUT_MS } as const
      return readDeleted(parseAnswer<DeletedUser>(await connection.send(call), DELETED_SHAPE))
    },
  }
}

function readDeleted({ id, cache }: DeletedUser): DeletedUser {
  if (cache.outcome !== 'erased') return { id, cache }
  return { id, cache: { ...cache, receipt: parseAnswer<EraseReceipt>(cache.receipt, RECEIPT_SHAPE) } }
}

export function revealText(secret: Secret | string): string {
  return typeof secret === 'string' ? secret : secret.reveal()
}

function hideSecret({ clientSecret, ...user }: CreatedUserText): CreatedUser {
  return clientSecret === undefined ? user : { ...user, clientSecret: new Secret(clientSecret) }
}

/** An id reads as a client id too; parsing keeps either from leaving its place in the path. */
function userPath(user: string): string {
  return `/users/${parseClientId(user)}`
}
