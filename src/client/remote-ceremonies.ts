import type {
  BegunCeremony,
  Ceremonies,
  CeremonyRequest,
  CeremonyView,
  NewShares,
} from '../model/ceremony.ts'
import { Secret } from '../model/secret.ts'
import { type AnswerShape, parseAnswer, parseObject, strangeAnswer } from './answer-shape.ts'
import type { Connection } from './connection.ts'

const CEREMONY_SHAPE: AnswerShape<CeremonyView> = { phase: 'string' }
const BEGUN_SHAPE: AnswerShape<BegunCeremony> = { ...CEREMONY_SHAPE, nonce: 'string' }
const PATH = '/operator/ceremony'

export function remoteCeremonies(connection: Connection): Ceremonies {
  const post = (step: string, body: object) =>
    connection.send({ method: 'POST', path: `${PATH}${step}`, body })
  const view = async (answer: Promise<unknown>) => parseAnswer<CeremonyView>(await answer, CEREMONY_SHAPE)
  return {
    begin: async (request) => parseAnswer<BegunCeremony>(await post('', revealRequest(request)), BEGUN_SHAPE),
    show: () => view(connection.send({ method: 'GET', path: PATH })),
    give: ({ nonce, ...secrets }) => view(post('/give', { nonce, ...revealSecrets(secrets) })),
    collect: async ({ nonce }) => parseShares(await post('/collect', { nonce })),
    cancel: (request) => view(post('/cancel', request)),
    takeOver: (secrets) => view(post('/take-over', revealSecrets(secrets))),
  }
}

/** On the wire a secret is its text. */
export function revealSecrets(given: object): Readonly<Record<string, unknown>> {
  const entries: [string, unknown][] = Object.entries(given)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  )
}

function revealRequest({ kind, seal }: CeremonyRequest): object {
  return seal === undefined ? { kind } : { kind, seal: revealSecrets(seal) }
}

function parseShares(answer: unknown): NewShares {
  const { shares } = parseObject(answer)
  const isList = Array.isArray(shares) && shares.every((share) => typeof share === 'string')
  if (!isList) throw strangeAnswer('shares')
  const view = parseAnswer<CeremonyView>(answer, CEREMONY_SHAPE)
  return { ...view, shares: shares.map((share) => new Secret(share)) }
}
