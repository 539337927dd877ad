import type { IncomingMessage, Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { jsonSchemaTransform, validatorCompiler } from 'fastify-type-provider-zod'
import { CoffreError } from '../model/errors.ts'
import { MAX_BODY_BYTES } from '../model/limits.ts'
import { API_PREFIX, REQUEST_ID_HEADER } from '../model/wire.ts'
import { newRequestId } from '../service/caller.ts'
import { addDiagnosisRoutes } from './route/diagnose.ts'
import { addDocsPage } from './docs-page.ts'
import { HeldRefusals } from './held-refusals.ts'
import { RefusedBodies } from './refused-bodies.ts'
import { parseJsonBody } from './json-body.ts'
import { ParsingTurns } from './parsing-turns.ts'
import { sendProblem } from './problem.ts'
import { boundBodyTime, refuseExpectation, refuseHead } from './raw-refusal.ts'
import { addAuditRoutes } from './route/audit.ts'
import { addBackupRoutes } from './route/backups.ts'
import { addCacheRoutes } from './route/cache.ts'
import { addCeremonyRoutes } from './route/ceremonies.ts'
import { addApiKeyRoutes } from './route/api-keys.ts'
import { addDataRoutes } from './route/data.ts'
import { addLinesRoutes } from './route/lines.ts'
import { addStreamRoutes } from './route/streams.ts'
import { addHealthRoutes } from './route/health.ts'
import { addLoginRoutes } from './route/logins.ts'
import { addJsonWebKeyRoute } from './route/json-web-keys.ts'
import { addKeyRoutes } from './route/keys.ts'
import { addOperatorRoutes } from './route/operator.ts'
import { addPolicyRoutes } from './route/policies.ts'
import { addUserRoutes } from './route/users.ts'
import { addTransferRoutes } from './route/transfer.ts'
import { addSessionRoutes } from './route/sessions.ts'
import { addTokenRoutes } from './route/tokens.ts'
import { RouteTable } from './route-table.ts'
import type { ServerParts } from './server-parts.ts'
import { TlsListener } from './tls/tls-listener.ts'

/** A request's head must arrive within this; slow senders hold a socket no longer. */
const HEADERS_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const MAX_HEADER_BYTES = 16 * 1024
const NODE_OPTIONS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
  // Node refuses a request without a host by itself, and without problem details.
  requireHostHeader: false,
  // Fastify sets these two itself, except on a server that it did not make.
  requestTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
} as const
/** One year, as browsers count it: they come back by https only. */
const STRICT_TRANSPORT = 'max-age=31536000'
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/

/** The native API. It does not listen yet. */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const tls =
    parts.tls === undefined ? undefined : await TlsListener.open({ files: parts.tls, clock: parts.clock })
  const server = fastify<HttpServer>({
    logger: { level: parts.logLevel, serializers: { req: logRequest }, stream: process.stderr },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    // No bound for the whole of a request: streams have none, `boundBodyTime` has it for all others.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    genReqId: chooseRequestId,
    requestIdHeader: false,
    trustProxy: parts.trustedProxies.length === 0 ? false : [...parts.trustedProxies],
    routerOptions: { maxParamLength: 256 },
    http: NODE_OPTIONS,
    frameworkErrors: sendProblem,
    clientErrorHandler: refuseHead,
    ...(tls === undefined ? {} : { serverFactory: (listener) => tls.createServer(listener, NODE_OPTIONS) }),
  })
  if (tls !== undefined) startTls(server, tls, parts)
  server.setValidatorCompiler(validatorCompiler)
  // Answers are built from typed views; the response schemas are there for /openapi.json.
  server.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  const held = new HeldRefusals()
  server.setErrorHandler((error, request, reply) => {
    if (!held.mayHold(error)) return sendProblem(error, request, reply)
    return held.hold().then(() => sendProblem(error, request, reply))
  })
  server.setNotFoundHandler((request, reply) => sendProblem(new CoffreError('NOT_FOUND'), request, reply))
  acceptJsonOnly(server)
  const routes = new RouteTable(server)
  server.server.on('checkExpectation', refuseExpectation)
  server.decorate('refusedBodies', new RefusedBodies(parts.clock))
  observe(server, parts, routes)
  await server.register(swagger, { openapi: OPENAPI, transform: jsonSchemaTransform })
  if (parts.docs) await addDocsPage(server)
  addHealthRoutes(server, parts)
  addJsonWebKeyRoute(server, parts)
  await server.register(
    async (api) => {
      addDataRoutes(api, parts)
      await addStreamRoutes(api, parts)
      await addLinesRoutes(api, parts)
      addTransferRoutes(api, parts)
      addKeyRoutes(api, parts)
      addTokenRoutes(api, parts)
      addSessionRoutes(api, parts)
      addLoginRoutes(api, parts, tls)
      addUserRoutes(api, parts)
      addApiKeyRoutes(api, parts)
      addCacheRoutes(api, parts)
      addBackupRoutes(api, parts)
      addDiagnosisRoutes(api, parts)
      addPolicyRoutes(api, parts)
      addAuditRoutes(api, parts)
      addOperatorRoutes(api, parts)
      addCeremonyRoutes(api, parts)
    },
    { prefix: API_PREFIX },
  )
  server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger())
  return server
}

/** Answers the URL. Whoever starts the server says so in their own words; the log keeps to what goes wrong. */
export async function listen(
  server: FastifyInstance,
  address: { readonly host: string; readonly port: number },
): Promise<string> {
  const { level } = server.log
  server.log.level = 'warn'
  const url = await server.listen({ host: address.host, port: address.port })
  server.log.level = level
  // Fastify does not know that the server which it was given speaks TLS.
  return server.server instanceof HttpsServer ? url.replace(/^http:/, 'https:') : url
}

function startTls(server: FastifyInstance, tls: TlsListener, parts: ServerParts): void {
  parts.metrics.watchCertificate(() => tls.certificate.notAfter)
  server.addHook('onRequest', async (_request, reply) => {
    void reply.header('strict-transport-security', STRICT_TRANSPORT)
  })
  server.addHook('onListen', async () => tls.start(server.log))
  server.addHook('onClose', async () => tls.stop())
}

const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'Coffre',
    description: 'Managed keys and what they do. Errors are RFC 9457 problem details with a stable `code`.',
    version: '1',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer' },
      client: { type: 'http', scheme: 'basic', description: 'Client id and client secret of a user' },
    },
  },
} as const

/** A browser form cannot send JSON across sites without asking first, so nothing else is accepted. */
function acceptJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  const turns = new ParsingTurns()
  const parse = async (request: FastifyRequest, body: Buffer) => {
    request.bodyBytes = body.length
    await turns.take(body.length)
    const value = parseJsonBody(body)
    if (request.routeOptions.config.keepsText === true) request.bodyText = body.toString('utf8')
    return value
  }
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, parse)
  // POST without a body is an empty request.
  server.addHook('preValidation', async (request) => {
    if (request.method !== 'GET' && request.body === undefined) request.body = {}
  })
}

function observe(server: FastifyInstance, parts: ServerParts, routes: RouteTable): void {
  server.addHook('onRequest', async (request, reply) => {
    void reply.header(REQUEST_ID_HEADER, request.id)
    void reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
    // Before the body is read: no address and no token must not make us parse 16 MiB.
    if (request.is404) throw routes.refuse(request, reply)
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      throw new CoffreError('INVALID_REQUEST', { facts: { at: 'host', expected: 'a Host header' } })
    }
    boundBodyTime(request, reply)
  })
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const { method } = request
    const status = reply.statusCode
    if (request.callerId !== undefined) server.refusedBodies.note(request, request.callerId, status)
    parts.metrics.observeRequest({ method, route, status, seconds: reply.elapsedTime / 1_000 })
    request.log.debug({ method, route, status, milliseconds: reply.elapsedTime }, 'request')
  })
}

/** No header, path or query: they hold tokens and names. */
function logRequest(request: { readonly method: string; readonly id: string }) {
  return { method: request.method, id: request.id }
}

function chooseRequestId(request: IncomingMessage): string {
  const given = request.headers[REQUEST_ID_HEADER]
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : newRequestId()
}
