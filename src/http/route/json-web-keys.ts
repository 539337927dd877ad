import { PublishedKeys } from '../../service/sessions/published-keys.ts'
import type { ServerParts } from '../server-parts.ts'
import type { Api } from './api.ts'

/** Public keys are for everybody, so it needs no token; only keys that are marked for it are there. */
export function addJsonWebKeyRoute(server: Api, parts: ServerParts): void {
  const published = new PublishedKeys(parts.core.store, parts.clock)
  server.get('/.well-known/jwks.json', { schema: { hide: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'public, max-age=60').type('application/jwk-set+json')
    return published.read()
  })
}
