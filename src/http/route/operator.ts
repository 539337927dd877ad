import { CallerCoffre } from '../../service/caller-coffre.ts'
import { anonymousCaller, authenticate } from '../authenticate.ts'
import { NOTHING, PROBLEM, STATUS, UNSEAL } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { toSecrets } from './ceremonies.ts'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'

const TAG = 'operator'
/** Anybody may send it: a passphrase of the greatest length with every character escaped, and no more. */
const MAX_UNSEAL_BODY_BYTES = 8 * 1024

export function addOperatorRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/seal',
    summary: 'Forget the root key and every unwrapped key',
    tag: TAG,
    body: NOTHING,
    result: STATUS,
    run: (coffre) => coffre.operator.seal(),
  })
  const typed = api.withTypeProvider<ZodTypeProvider>()
  typed.get(
    '/status',
    { schema: { summary: 'Sealed or not; needs no token', tags: [TAG], response: { 200: STATUS } } },
    (request) => new CallerCoffre(parts.core, anonymousCaller(request)).operator.status(),
  )
  typed.post(
    '/unseal',
    {
      bodyLimit: MAX_UNSEAL_BODY_BYTES,
      schema: {
        summary:
          'Unseal with the passphrase, share by share, or by a token where the seal key is the server’s own',
        tags: [TAG],
        body: UNSEAL,
        response: { 200: STATUS, default: PROBLEM },
      },
    },
    async (request) => {
      const { reset, ...secrets } = request.body
      const given = { ...toSecrets(secrets), ...(reset === undefined ? {} : { reset }) }
      // A passphrase or share is the credential; without one, somebody must be allowed to use the server's own key.
      const isCredential = secrets.passphrase !== undefined || secrets.share !== undefined
      const coffre = isCredential
        ? new CallerCoffre(parts.core, anonymousCaller(request))
        : await authenticate(parts.core, request)
      return coffre.operator.unseal(given)
    },
  )
}
