import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { coffreSessions as expressSessions, type WithSession } from '../../src/http/adapter/express.ts'
import { coffreSessions as fastifySessions, type SessionWebOptions } from '../../src/http/adapter/fastify.ts'

/** A small real application: log in, look, change something, raise one's role, log out. */
export interface RunningApp {
  readonly url: string
  close(): Promise<void>
}

/** What another part of each application says of its answers. */
const OTHER_VARY = 'accept-language'

export const APPS = { fastify: startFastify, express: startExpress, 'node:http': startPlain }

async function startFastify(options: SessionWebOptions): Promise<RunningApp> {
  const app = fastify()
  app.addHook('onRequest', async (_request, reply) => void reply.header('vary', OTHER_VARY))
  await app.register(fastifySessions, options)
  app.post<{ Body: { user: string } }>('/login', async (request, reply) => {
    await request.session.open(request.body.user)
    return reply.code(204).send()
  })
  app.get('/me', ({ session }) => ({ user: session.current?.user ?? null, data: session.current?.data }))
  app.post('/notes', ({ session }, reply) =>
    session.current === undefined ? reply.code(401).send({}) : { saved: true },
  )
  app.post('/raise', async ({ session }) => ({ raised: await session.renew({ role: 'admin' }) }))
  app.post('/logout', async ({ session }, reply) => {
    await session.close()
    return reply.code(204).send()
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, close: () => app.close() }
}

interface ExpressRequest extends IncomingMessage, WithSession {
  readonly body: { readonly user: string }
}

interface ExpressResponse extends ServerResponse {
  json(value: unknown): void
  sendStatus(status: number): void
}

type ExpressHandler = (request: ExpressRequest, response: ExpressResponse) => void | Promise<void>

interface ExpressApp {
  use(middleware: unknown): void
  get(path: string, handler: ExpressHandler): void
  post(path: string, handler: ExpressHandler): void
  (request: IncomingMessage, response: ServerResponse): void
}

/** Express has no types of its own. */
const express: { (): ExpressApp; json(): unknown } = createRequire(import.meta.url)('express')

function startExpress(options: SessionWebOptions): Promise<RunningApp> {
  const app = express()
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('vary', OTHER_VARY)
    next()
  })
  app.use(expressSessions(options))
  app.use(express.json())
  app.post('/login', async ({ session, body }, response) => {
    await session.open(body.user)
    response.sendStatus(204)
  })
  app.get('/me', ({ session }, response) => {
    response.json({ user: session.current?.user ?? null, data: session.current?.data })
  })
  app.post('/notes', ({ session }, response) => {
    if (session.current === undefined) response.sendStatus(401)
    else response.json({ saved: true })
  })
  app.post('/raise', async ({ session }, response) => {
    response.json({ raised: await session.renew({ role: 'admin' }) })
  })
  app.post('/logout', async ({ session }, response) => {
    await session.close()
    response.sendStatus(204)
  })
  return listen(createServer(app))
}

/** The middleware needs no framework at all. */
function startPlain(options: SessionWebOptions): Promise<RunningApp> {
  const middleware = expressSessions(options)
  const server = createServer((request: IncomingMessage & Partial<WithSession>, response) => {
    response.setHeader('vary', OTHER_VARY)
    void middleware(request, response, () => {
      void answerPlain(request, response)
    })
  })
  return listen(server)
}

async function answerPlain(
  request: IncomingMessage & Partial<WithSession>,
  response: ServerResponse,
): Promise<void> {
  const { session } = request
  const body: { user?: string } = JSON.parse((await readAll(request)) || '{}')
  const say = (status: number, value?: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (request.url === '/login') await session?.open(body.user ?? '')
  if (request.url === '/logout') await session?.close()
  if (request.url === '/me') {
    say(200, { user: session?.current?.user ?? null, data: session?.current?.data })
  } else if (request.url === '/notes') {
    say(session?.current === undefined ? 401 : 200, { saved: true })
  } else if (request.url === '/raise') {
    say(200, { raised: await session?.renew({ role: 'admin' }) })
  } else {
    say(204)
  }
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

async function listen(server: Server): Promise<RunningApp> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
