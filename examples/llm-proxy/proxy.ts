import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { EmbeddedCoffre } from '../../src/index.ts'

const MAX_BODY_BYTES = 1024 * 1024
const PROVIDER_MS = 60_000

export interface ProxyParts {
  readonly coffre: Pick<EmbeddedCoffre, 'apiKeys'>
  /** For example `https://api.mistral.ai`. */
  readonly providerUrl: string
  /** Whose request it is, by a session of the application; `undefined` for nobody's. */
  readonly userOf: (request: IncomingMessage) => string | undefined
}

/** `POST /v1/chat/completions`, sent on with the key of the user who asks. The key is here for that one call. */
export function createProxy(parts: ProxyParts): Server {
  return createServer((request, response) => {
    answer(parts, request, response).catch((error: unknown) => sendError(response, error))
  })
}

async function answer(
  { coffre, providerUrl, userOf }: ProxyParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') return send(response, 404, {})
  const user = userOf(request)
  if (user === undefined) return send(response, 401, { code: 'UNAUTHENTICATED' })
  const body = await readBody(request)
  if (body === undefined) return send(response, 413, { code: 'LIMIT_EXCEEDED' })
  const completion = await coffre.apiKeys.use(user, (key) =>
    fetch(new URL('/v1/chat/completions', providerUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${key.reveal().toString()}`, 'content-type': 'application/json' },
      body,
      // A redirect would carry the key to somebody else.
      redirect: 'error',
      signal: AbortSignal.timeout(PROVIDER_MS),
    }),
  )
  response.writeHead(completion.status, { 'content-type': 'application/json' })
  for await (const piece of completion.body ?? []) response.write(piece)
  response.end()
}

async function readBody(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > MAX_BODY_BYTES) return undefined
    pieces.push(piece)
  }
  return Uint8Array.from(Buffer.concat(pieces))
}

/** A user without a key that opens is told so, and what to do: nobody else's key takes its place. */
function sendError(response: ServerResponse, error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (response.headersSent) response.destroy()
  else if (code === 'API_KEY_REQUIRED' || code === 'API_KEY_UNREADABLE')
    send(response, 409, { code, next: 'PATCH /users/me/api-key' })
  else send(response, 502, { code: 'PROVIDER_UNREACHABLE' })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
