import { lookup } from 'node:dns/promises'
import { type IncomingMessage, request as requestPlain, type RequestOptions } from 'node:http'
import { request as requestEncrypted } from 'node:https'
import { isIP } from 'node:net'
import { CoffreError } from '../../model/errors.ts'
import { isPublicAddress } from './public-address.ts'

/** A whole answer, from looking up the name to the last byte. */
const TIMEOUT_MS = 5_000

export interface FetchRules {
  /** Hosts, as a URL writes them, that may be in a private network; plain http only to these, and on loopback. */
  readonly allowedHosts: ReadonlySet<string>
  readonly maximumBytes: number
  /** PEM; Node's well-known authorities when absent. */
  readonly ca?: string
  /** For tests of names that change. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/

/**
 * Fetches a text that an administrator named by URL, without becoming a way into the network around this machine:
 * the name is resolved once, every address must be public or its host allowed, the connection goes to that very
 * address, and no redirect is followed. Rejects with CONFIG_REFUSED or SERVER_UNREACHABLE.
 */
export async function fetchDocument(text: string, rules: FetchRules): Promise<string> {
  const url = parseFetchUrl(text, rules)
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const address = await findAddress(url, rules)
    return await read(await send(url, { address, signal, rules }), rules.maximumBytes)
  } catch (cause) {
    if (cause instanceof CoffreError) throw cause
    throw new CoffreError('SERVER_UNREACHABLE', { facts: { at: 'jwks' }, cause })
  }
}

/**
 * The status of an answer to a GET with these headers, by the same rules; its body is not read. Rejects with
 * CONFIG_REFUSED, or SERVER_UNREACHABLE that says whether the time was over.
 */
export async function askStatus(
  text: string,
  rules: FetchRules,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const url = parseFetchUrl(text, rules)
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const address = await findAddress(url, rules)
    const answer = await send(url, { address, signal, rules, headers })
    answer.destroy()
    return answer.statusCode ?? 0
  } catch (cause) {
    if (cause instanceof CoffreError) throw cause
    const reason = signal.aborted ? 'timeout' : 'no answer'
    throw new CoffreError('SERVER_UNREACHABLE', { facts: { at: 'provider', reason }, cause })
  }
}

/** Throws CONFIG_REFUSED. */
export function parseFetchUrl(text: string, rules: Pick<FetchRules, 'allowedHosts'>): URL {
  const url = URL.canParse(text) ? new URL(text) : refuse('a URL')
  const isAllowed = rules.allowedHosts.has(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isAllowed)) refuse('https')
  if (url.username !== '' || url.password !== '' || url.hash !== '') refuse('no user, password or fragment')
  const host = bare(url)
  if (!isAllowed && (isIP(host) !== 0 ? !isPublicAddress(host) : isLocalName(host))) refuse('a public host')
  return url
}

async function findAddress(url: URL, rules: FetchRules): Promise<string> {
  const host = bare(url)
  const resolve = rules.resolve ?? resolveName
  const addresses = isIP(host) === 0 ? await resolve(host) : [host]
  const [first] = addresses
  if (first === undefined) refuse('a host that exists')
  const isAllowed = rules.allowedHosts.has(url.hostname)
  // One private address among public ones is what an attack by DNS looks like.
  if (!isAllowed && !addresses.every((each) => isPublicAddress(each))) refuse('a public host')
  if (url.protocol === 'http:' && !addresses.every((each) => LOOPBACK.test(each))) refuse('https')
  return first
}

async function resolveName(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true, order: 'ipv4first' })).map(({ address }) => address)
}

interface Sending {
  readonly address: string
  readonly signal: AbortSignal
  readonly rules: FetchRules
  readonly headers?: Readonly<Record<string, string>>
}

function send(url: URL, { address, signal, rules, headers = {} }: Sending): Promise<IncomingMessage> {
  const family = isIP(address)
  const options: RequestOptions = {
    signal,
    agent: false,
    headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers },
    // The address that was judged, and not what another look-up would say now.
    lookup: (_host, asked, done) =>
      typeof asked === 'object' && asked.all === true
        ? done(null, [{ address, family }])
        : done(null, address, family),
  }
  const ca = rules.ca === undefined ? {} : { ca: rules.ca }
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === 'https:'
        ? requestEncrypted(
            url,
            { ...options, ...ca, minVersion: 'TLSv1.2', rejectUnauthorized: true },
            resolve,
          )
        : requestPlain(url, options, resolve)
    sent.on('error', reject)
    sent.end()
  })
}

async function read(answer: IncomingMessage, maximumBytes: number): Promise<string> {
  const encoding = answer.headers['content-encoding'] ?? 'identity'
  if (answer.statusCode !== 200 || encoding !== 'identity') {
    answer.destroy()
    throw new CoffreError('SERVER_UNREACHABLE', { facts: { at: 'jwks', status: answer.statusCode ?? 0 } })
  }
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of answer) {
    if (!Buffer.isBuffer(piece)) throw new Error('unreachable: no encoding was set')
    length += piece.length
    if (length > maximumBytes)
      throw new CoffreError('SERVER_UNREACHABLE', { facts: { at: 'jwks', maximumBytes } })
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function bare(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** Names that a resolver may answer from this machine or this network alone. */
function isLocalName(host: string): boolean {
  return (
    host === '' ||
    !host.includes('.') ||
    /(^|\.)(localhost|local|internal|localdomain|home\.arpa|onion)\.?$/.test(host)
  )
}

function refuse(expected: string): never {
  throw new CoffreError('CONFIG_REFUSED', { facts: { at: 'jwks', expected } })
}
