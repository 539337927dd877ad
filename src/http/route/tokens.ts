import { z } from 'zod'
import {
  CREATE_TOKEN,
  CREATED_TOKEN,
  IDENTITY,
  RENEW_TOKEN,
  REVOKE_TOKEN,
  TOKEN,
  TOKEN_PATH,
} from '../access-schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

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
      const created = await coffre.tokens.create({ ...dropUndefined(body), name: body.name, role: body.role })
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
    method: 'GET',
    url: '/tokens/:id',
    summary: 'Show a token, without its secret',
    tag: TAG,
    path: TOKEN_PATH,
    result: TOKEN,
    run: (coffre, { path }) => coffre.tokens.get(path.id),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/tokens/:id/revoke',
    summary: 'Revoke a token and those that it made, with effect from the next request',
    tag: TAG,
    path: TOKEN_PATH,
    body: REVOKE_TOKEN,
    status: 204,
    run: (coffre, { path, body }) => coffre.tokens.revoke(path.id, dropUndefined(body)),
  })
  addOwnTokenRoutes(api, parts)
}

/** For the holder of any valid token. */
function addOwnTokenRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: '/tokens/self',
    summary: 'Who asks: principal, tenant, role and policies',
    tag: TAG,
    result: IDENTITY,
    run: (coffre) => coffre.tokens.whoami(),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/tokens/renew',
    summary: 'Renew the token that asks, up to the bound it was made with',
    tag: TAG,
    body: RENEW_TOKEN,
    result: TOKEN,
    run: (coffre, { body }) => coffre.tokens.renew(dropUndefined(body)),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/tokens/self/revoke',
    summary: 'Revoke the token that asks and those that it made',
    tag: TAG,
    body: REVOKE_TOKEN,
    status: 204,
    run: (coffre, { body }) => coffre.tokens.revokeSelf(dropUndefined(body)),
  })
}
