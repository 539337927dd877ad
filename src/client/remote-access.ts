import type {
  CreatedToken,
  Identity,
  Policies,
  PolicyTestResult,
  PolicyView,
  Tokens,
  TokenView,
} from '../model/coffre.ts'
import { parsePolicyName, parseTokenId } from '../model/ids.ts'
import { Secret } from '../model/secret.ts'
import * as shape from './answer-shape.ts'
import type { Call, Connection } from './connection.ts'

export function remoteTokens(connection: Connection): Tokens {
  const ask = async (call: Call): Promise<TokenView> =>
    shape.parseAnswer<TokenView>(await connection.send(call), shape.TOKEN_SHAPE)
  return {
    create: async (request) => {
      const answer = await connection.send({ method: 'POST', path: '/tokens', body: request })
      const created = shape.parseAnswer<shape.CreatedTokenText>(answer, shape.CREATED_TOKEN_SHAPE)
      return { ...created, token: new Secret(created.token) } satisfies CreatedToken
    },
    list: async () =>
      shape.parseList(await connection.send({ method: 'GET', path: '/tokens' }), 'tokens', shape.TOKEN_SHAPE),
    get: (id) => ask({ method: 'GET', path: `/tokens/${parseTokenId(id)}` }),
    revoke: async (id, options = {}) => {
      await connection.send({ method: 'POST', path: `/tokens/${parseTokenId(id)}/revoke`, body: options })
    },
    whoami: async () => {
      const answer = await connection.send({ method: 'GET', path: '/tokens/self' })
      return shape.parseAnswer<Identity>(answer, shape.IDENTITY_SHAPE)
    },
    renew: (options = {}) => ask({ method: 'POST', path: '/tokens/renew', body: options }),
    revokeSelf: async (options = {}) => {
      await connection.send({ method: 'POST', path: '/tokens/self/revoke', body: options })
    },
  }
}

export function remotePolicies(connection: Connection): Policies {
  const ask = async (call: Call): Promise<PolicyView> =>
    shape.parseAnswer<PolicyView>(await connection.send(call), shape.POLICY_SHAPE)
  return {
    create: (name, document) => ask({ method: 'POST', path: '/policies', body: { name, document } }),
    list: async () =>
      shape.parseList<PolicyView>(
        await connection.send({ method: 'GET', path: '/policies' }),
        'policies',
        shape.POLICY_SHAPE,
      ),
    get: (name) => ask({ method: 'GET', path: policyPath(name) }),
    update: (name, document, options = {}) =>
      ask({ method: 'PUT', path: policyPath(name), body: { document, ...options } }),
    delete: async (name) => {
      await connection.send({ method: 'DELETE', path: policyPath(name) })
    },
    test: async (request) => {
      const answer = await connection.send({ method: 'POST', path: '/policies/test', body: request })
      return shape.parseAnswer<PolicyTestResult>(answer, shape.POLICY_TEST_SHAPE)
    },
  }
}

function policyPath(name: string): string {
  return `/policies/${parsePolicyName(name)}`
}
