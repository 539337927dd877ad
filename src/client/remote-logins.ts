import type { CreatedToken } from '../model/coffre.ts'
import { parseLoginRoleName } from '../model/ids.ts'
import type { Logins, LoginRoleView } from '../model/login-role.ts'
import { Secret } from '../model/secret.ts'
import * as shape from './answer-shape.ts'
import type { Connection } from './connection.ts'
import { revealText } from './remote-users.ts'

const LOGIN_ROLE_SHAPE: shape.AnswerShape<LoginRoleView> = {
  name: 'string',
  method: 'string',
  boundClaims: 'object',
  role: 'string',
  createdAt: 'string',
}

export function remoteLogins(connection: Connection): Logins {
  const login = async (way: 'jwt' | 'certificate' | 'client', body: object): Promise<CreatedToken> => {
    const answer = await connection.send({ method: 'POST', path: `/login/${way}`, body })
    const created = shape.parseAnswer<shape.CreatedTokenText>(answer, shape.CREATED_TOKEN_SHAPE)
    return { ...created, token: new Secret(created.token) }
  }
  return {
    createRole: async (request) => {
      const answer = await connection.send({ method: 'POST', path: '/login-roles', body: request })
      return shape.parseAnswer(answer, LOGIN_ROLE_SHAPE)
    },
    listRoles: async () => {
      const answer = await connection.send({ method: 'GET', path: '/login-roles' })
      return shape.parseList(answer, 'loginRoles', LOGIN_ROLE_SHAPE)
    },
    getRole: async (name) => {
      const answer = await connection.send({
        method: 'GET',
        path: `/login-roles/${parseLoginRoleName(name)}`,
      })
      return shape.parseAnswer(answer, LOGIN_ROLE_SHAPE)
    },
    deleteRole: async (name) => {
      await connection.send({ method: 'DELETE', path: `/login-roles/${parseLoginRoleName(name)}` })
    },
    withJwt: (request) => login('jwt', request),
    withCertificate: (request) => login('certificate', request),
    withClient: ({ clientId, clientSecret, ...rest }) =>
      login('client', { client_id: clientId, client_secret: revealText(clientSecret), ...rest }),
  }
}
