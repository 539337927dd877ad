import type { SetApiKeyRequest } from '../../model/api-key.ts'
import {
  API_KEY,
  API_KEY_TEST,
  LISTED_API_KEYS,
  REVOKE_API_KEYS,
  REVOKED_API_KEYS,
  ROTATE_WRAPPING,
  ROTATED_WRAPPING,
  SET_API_KEY,
} from '../api-key-schema.ts'
import { tooLong } from '../../service/api-keys/read-api-key.ts'
import { NOTHING } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { USER_PATH, USER_QUERY } from '../user-schema.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'
import { sendRotation } from './rotate-wrapping.ts'

const TAG = 'api-keys'
const MINE = { tag: TAG, takesClientSecret: true } as const

export function addApiKeyRoutes(api: Api, parts: ServerParts): void {
  addOwnRoutes(api, parts)
  addNamedRoutes(api, parts)
  addRoute(api, parts, {
    method: 'GET',
    url: '/api-keys',
    summary: 'List users with a provider’s key, without the keys',
    tag: TAG,
    query: USER_QUERY,
    result: LISTED_API_KEYS,
    run: async (coffre, { query }) => ({ apiKeys: await coffre.apiKeys.list(dropUndefined(query)) }),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/api-keys/rotate-wrapping',
    summary:
      'Encrypt the key of every user again; users do nothing. Who accepts application/x-ndjson is told how far it is',
    tag: TAG,
    body: ROTATE_WRAPPING,
    result: ROTATED_WRAPPING,
    run: (coffre, { body }, request, reply) => sendRotation(coffre, dropUndefined(body), { request, reply }),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/api-keys/revoke-all',
    summary: 'Erase the key of every user; each stores its own again',
    tag: TAG,
    body: REVOKE_API_KEYS,
    result: REVOKED_API_KEYS,
    run: (coffre, { body: { resume } }) =>
      coffre.apiKeys.revokeAll(resume === undefined ? {} : { resume: dropUndefined(resume) }),
  })
}

/** Of the user who asks. */
function addOwnRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    ...MINE,
    method: 'PATCH',
    url: '/users/me/api-key',
    summary: 'Store your key at a provider in place of the one before',
    body: SET_API_KEY,
    refuseLarge: tooLong,
    result: API_KEY,
    run: (coffre, { body }) => coffre.apiKeys.set(toRequest(body)),
  })
  addRoute(api, parts, {
    ...MINE,
    method: 'DELETE',
    url: '/users/me/api-key',
    summary: 'Erase your key at a provider',
    status: 204,
    run: (coffre) => coffre.apiKeys.remove(),
  })
  addRoute(api, parts, {
    ...MINE,
    method: 'POST',
    url: '/users/me/api-key/test',
    summary: 'Ask the provider whether your key works',
    body: NOTHING,
    result: API_KEY_TEST,
    run: (coffre) => coffre.apiKeys.test(),
  })
}

/** Of a user whom an administrator names. */
function addNamedRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: '/users/:user/api-key',
    summary: 'Show what is kept of a user’s key at a provider',
    tag: TAG,
    path: USER_PATH,
    result: API_KEY,
    run: (coffre, { path }) => coffre.apiKeys.get(path.user),
  })
  addRoute(api, parts, {
    method: 'PATCH',
    url: '/users/:user/api-key',
    summary: 'Store a user’s key at a provider in place of the one before',
    tag: TAG,
    path: USER_PATH,
    body: SET_API_KEY,
    refuseLarge: tooLong,
    result: API_KEY,
    run: (coffre, { path, body }) => coffre.apiKeys.set({ ...toRequest(body), user: path.user }),
  })
  addRoute(api, parts, {
    method: 'DELETE',
    url: '/users/:user/api-key',
    summary: 'Erase a user’s key at a provider',
    tag: TAG,
    path: USER_PATH,
    status: 204,
    run: (coffre, { path }) => coffre.apiKeys.remove(path.user),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/users/:user/api-key/test',
    summary: 'Ask the provider whether a user’s key works',
    tag: TAG,
    path: USER_PATH,
    body: NOTHING,
    result: API_KEY_TEST,
    run: (coffre, { path }) => coffre.apiKeys.test(path.user),
  })
}

/** Whatever `api_key` is, the service judges it. */
function toRequest(body: {
  readonly api_key?: unknown
  readonly provider?: string | undefined
}): SetApiKeyRequest {
  const { api_key: apiKey, provider } = body
  return { apiKey, ...(provider === undefined ? {} : { provider }) } as SetApiKeyRequest
}
