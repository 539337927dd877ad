import { z } from 'zod'
import type { CreatedUser } from '../../model/user.ts'
import { OWN_USER } from '../api-key-schema.ts'
import { DELETED_USER } from '../cache-schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { CREATE_USER, CREATED_USER, ROTATE_SECRET, USER, USER_PATH, USER_QUERY } from '../user-schema.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'users'

export function addUserRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/users',
    summary: 'Create a user; its client secret is shown once',
    tag: TAG,
    body: CREATE_USER,
    result: CREATED_USER,
    status: 201,
    run: async (coffre, { body }) => shown(await coffre.users.create(dropUndefined(body))),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/users',
    summary: 'List users by id',
    tag: TAG,
    query: USER_QUERY,
    result: z.object({ users: z.array(USER) }),
    run: async (coffre, { query }) => ({ users: await coffre.users.list(dropUndefined(query)) }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/users/:user',
    summary: 'Show a user, by id or client id',
    tag: TAG,
    path: USER_PATH,
    result: USER,
    run: (coffre, { path }) => coffre.users.get(path.user),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/users/:user/rotate-secret',
    summary: 'Give a user a new client secret; the old one and every token of the user end',
    tag: TAG,
    path: USER_PATH,
    body: ROTATE_SECRET,
    result: CREATED_USER,
    run: async (coffre, { path, body }) =>
      shown(await coffre.users.rotateSecret(path.user, dropUndefined(body))),
  })
  addRoute(api, parts, {
    method: 'DELETE',
    url: '/users/:user',
    summary: 'Erase a user and everything that is kept for it, the entries of its cache too',
    tag: TAG,
    path: USER_PATH,
    result: DELETED_USER,
    run: (coffre, { path }) => coffre.users.delete(path.user),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/users/me',
    summary: 'The user who asks',
    tag: TAG,
    result: OWN_USER,
    takesClientSecret: true,
    run: async (coffre) => {
      const user = await coffre.users.me()
      const apiKey = await coffre.apiKeys.get()
      return { ...user, has_api_key: apiKey.status !== 'none', api_key_status: apiKey.status, apiKey }
    },
  })
}

function shown({ clientSecret, ...user }: CreatedUser) {
  return clientSecret === undefined ? user : { ...user, clientSecret: clientSecret.reveal() }
}
