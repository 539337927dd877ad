import { z } from 'zod'
import { CREATE_TOKEN, CREATED_TOKEN, TOKEN, TOKEN_PATH } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'

const TAG = 'tokens'

export function addTokenRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/tokens',
    summary: 'Create a token; it is shown once',
    tag: TAG,
    body: CREATE_TOKEN,
    result: CREATED_TOKEN,
    status: 201,
    run: async (coffre, { body }) => {
      const { name, role, ttlSeconds } = body
      const created = await coffre.tokens.create({
        name,
        role,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      })
      return { ...created, token: created.token.reveal() }
    },
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/tokens',
    summary: 'List tokens, without their secrets',
    tag: TAG,
    result: z.object({ tokens: z.array(TOKEN) }),
    run: async (coffre) => ({ tokens: await coffre.tokens.list() }),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/tokens/:id/revoke',
    summary: 'Revoke a token, with effect from the next request',
    tag: TAG,
    path: TOKEN_PATH,
    status: 204,
    run: (coffre, { path }) => coffre.tokens.revoke(path.id),
  })
}
