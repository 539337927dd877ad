import { Readable, Transform } from 'node:stream'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Secret } from '../../model/secret.ts'
import type { S3Address } from './s3-address.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken?: Secret
}

export interface S3ClientOptions {
  /** Absent: as the SDK finds them (AWS_… variables, profiles, the role of the machine). */
  readonly credentials?: S3Credentials
  /** PEM of the CA of a server with TLS; the system's when absent. */
  readonly ca?: string
  /** How long the server may be silent; 60,000 when absent. */
  readonly timeoutMs?: number
  /** Of each request, the first included; 6 when absent. */
  readonly attempts?: number
}

const DEFAULT_TIMEOUT_MS = 60_000
const CONNECT_TIMEOUT_MS = 10_000
const DEFAULT_ATTEMPTS = 6
const MAX_SOCKETS = 32
/** A page of 1,000 names of 1,024 bytes as XML, with room. What is larger is no answer to anything but a read. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const SLICE_BYTES = 256 * 1024

/** A client that retries with jitter what a server could not do now, and reads no endless answers. */
export function makeClient(address: S3Address, options: S3ClientOptions): S3Client {
  const { credentials } = options
  const client = new S3Client({
    ...configOf(address, options),
    ...(credentials === undefined
      ? {}
      : {
          credentials: async () => ({
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: credentials.secretAccessKey.reveal(),
            ...(credentials.sessionToken === undefined
              ? {}
              : { sessionToken: credentials.sessionToken.reveal() }),
          }),
        }),
  })
  return bounded(client)
}

/** What somebody without credentials would send. */
export function makeAnonymousClient(address: S3Address, options: S3ClientOptions): S3Client {
  const client = new S3Client({
    ...configOf(address, { ...options, attempts: 1 }),
    credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' },
    signer: { sign: async (request) => request },
  })
  return bounded(client)
}

function configOf(address: S3Address, options: S3ClientOptions): S3ClientConfig {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, attempts = DEFAULT_ATTEMPTS, ca } = options
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS }
  return {
    ...(address.endpoint === undefined ? {} : { endpoint: address.endpoint }),
    region: address.region,
    forcePathStyle: address.pathStyle,
    followRegionRedirects: false,
    maxAttempts: attempts,
    // With it the SDK would send each part through an agent of its own, which knows neither our CA nor open connections.
    expectContinueHeader: false,
    requestChecksumCalculation: address.checksums ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // What is read is authenticated by whoever opens it.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(timeoutMs, CONNECT_TIMEOUT_MS),
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: timeoutMs,
      httpAgent: agent,
      httpsAgent: ca === undefined ? agent : { ...agent, ca },
    },
  }
}

function bounded(client: S3Client): S3Client {
  client.middlewareStack.add(
    (next, context) => async (given) => {
      const result = await next(given)
      if (context.commandName !== 'GetObjectCommand') limitBody(result.response)
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'limitAnswers' },
  )
  client.middlewareStack.add((next) => (given) => next({ ...given, request: inSlices(given.request) }), {
    step: 'finalizeRequest',
    priority: 'low',
    name: 'sendInSlices',
  })
  return client
}

/** TLS would encrypt a whole part into memory before it sends its first byte. Signed and summed up it is already. */
function inSlices(request: unknown): unknown {
  if (typeof request !== 'object' || request === null || !('body' in request)) return request
  const { body } = request
  if (!(body instanceof Uint8Array) || body.length <= SLICE_BYTES) return request
  // A copy: a retry begins again with the bytes.
  const copy: object = Object.create(Object.getPrototypeOf(request))
  return Object.assign(copy, request, { body: Readable.from(slicesOf(body), { objectMode: false }) })
}

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES)
}

function limitBody(response: unknown): void {
  if (typeof response !== 'object' || response === null || !('body' in response)) return
  const { body } = response
  if (!isReadable(body)) return
  let bytes = 0
  const limit = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES) done(new Error('the answer is too large'))
      else done(null, chunk)
    },
  })
  body.on('error', (error: Error) => limit.destroy(error))
  limit.on('error', () => body.destroy())
  response.body = body.pipe(limit)
}

function isReadable(body: unknown): body is NodeJS.ReadableStream & { destroy(): void } {
  return typeof body === 'object' && body !== null && 'pipe' in body && 'destroy' in body
}
