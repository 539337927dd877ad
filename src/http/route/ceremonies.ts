import type { FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Ceremonies, CeremonyRequest } from '../../model/ceremony.ts'
import { Secret } from '../../model/secret.ts'
import { CallerCoffre } from '../../service/caller-coffre.ts'
import { anonymousCaller } from '../authenticate.ts'
import {
  BEGIN_CEREMONY,
  BEGUN_CEREMONY,
  CANCEL_CEREMONY,
  CEREMONY,
  COLLECT_SHARES,
  GIVE_SECRET,
  NEW_SHARES,
  PROBLEM,
  TAKE_OVER,
} from '../schema-ceremony.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'

const TAG = 'ceremonies'
const URL = '/operator/ceremony'
/** Anybody may send it: a passphrase of the greatest length with every character escaped, and no more. */
const MAX_SECRET_BODY_BYTES = 8 * 1024

export function addCeremonyRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: URL,
    summary: 'Begin a change of the seal or of the root key; the nonce is shown here only',
    tag: TAG,
    body: BEGIN_CEREMONY,
    result: BEGUN_CEREMONY,
    status: 201,
    run: (coffre, { body }) => coffre.operator.ceremonies.begin(toRequest(body)),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: URL,
    summary: 'The ceremony that is under way, without its nonce',
    tag: TAG,
    result: CEREMONY,
    run: (coffre) => coffre.operator.ceremonies.show(),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: `${URL}/collect`,
    summary: 'The new shares, for who began it; they are shown once',
    tag: TAG,
    body: COLLECT_SHARES,
    result: NEW_SHARES,
    run: async (coffre, { body }) => {
      const { shares, ...view } = await coffre.operator.ceremonies.collect(body)
      return { ...view, shares: shares.map((share) => share.reveal()) }
    },
  })
  addRoute(api, parts, {
    method: 'POST',
    url: `${URL}/cancel`,
    summary: 'Cancel a ceremony, by who began it',
    tag: TAG,
    body: CANCEL_CEREMONY,
    result: CEREMONY,
    run: (coffre, { body: { nonce } }) =>
      coffre.operator.ceremonies.cancel(nonce === undefined ? {} : { nonce }),
  })
  addSecretRoutes(api, parts)
}

/** A share or passphrase is the credential, so neither route asks for a token. */
function addSecretRoutes(api: Api, parts: ServerParts): void {
  const typed = api.withTypeProvider<ZodTypeProvider>()
  const response = { 200: CEREMONY, default: PROBLEM }
  const bodyLimit = MAX_SECRET_BODY_BYTES
  const ceremoniesOf = (request: FastifyRequest): Ceremonies =>
    new CallerCoffre(parts.core, anonymousCaller(request)).operator.ceremonies
  typed.post(
    `${URL}/give`,
    {
      bodyLimit,
      schema: {
        summary: 'Give one share, or the passphrase; needs the nonce and no token',
        tags: [TAG],
        body: GIVE_SECRET,
        response,
      },
    },
    (request) => {
      const { nonce, ...secrets } = request.body
      return ceremoniesOf(request).give({ nonce, ...toSecrets(secrets) })
    },
  )
  typed.post(
    `${URL}/take-over`,
    {
      bodyLimit,
      schema: {
        summary: 'Cancel whatever is under way with enough shares; needs no token',
        tags: [TAG],
        body: TAKE_OVER,
        response,
      },
    },
    (request) => ceremoniesOf(request).takeOver(toSecrets(request.body)),
  )
}

interface SecretTexts {
  readonly share?: string | undefined
  readonly passphrase?: string | undefined
}

export function toSecrets({ share, passphrase }: SecretTexts): { share?: Secret; passphrase?: Secret } {
  return {
    ...(share === undefined ? {} : { share: new Secret(share) }),
    ...(passphrase === undefined ? {} : { passphrase: new Secret(passphrase) }),
  }
}

function toRequest({ kind, seal }: typeof BEGIN_CEREMONY._output): CeremonyRequest {
  if (seal === undefined) return { kind }
  if (seal.provider !== 'passphrase') return { kind, seal }
  return { kind, seal: { ...seal, passphrase: new Secret(seal.passphrase) } }
}
