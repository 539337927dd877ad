import { readFileSync } from 'node:fs'
import { type ServeOptions, serve } from '../../src/app.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { makeFolder, type Scope } from '../temporary.ts'

export interface Running {
  readonly url: string
  readonly api: string
  readonly adminToken: string
  readonly appToken: string
  readonly admin: Coffre
  readonly close: () => Promise<void>
  readonly send: (path: string, options?: SendOptions) => Promise<Answer>
}

export interface SendOptions {
  readonly method?: string
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A server on a free port over a new folder, with a token of each role. */
export async function startServer(scope: Scope, options: Partial<ServeOptions> = {}): Promise<Running> {
  const dataDir = options.dataDir ?? makeFolder(scope)
  const defaults = { createIfMissing: true, host: '127.0.0.1', port: 0, logLevel: 'silent' }
  const server = await serve({ ...defaults, ...options, dataDir })
  scope.after(() => server.close())
  const adminToken = readFileSync(server.firstTokenFile, 'utf8').trim()
  const admin = connectCoffre(server.url, adminToken)
  const appToken = (await admin.tokens.create({ name: 'app', role: 'app' })).token.reveal()
  const send = (path: string, asked: SendOptions = {}) => sendTo(server.url, path, asked)
  return {
    url: server.url,
    api: `${server.url}/api/v1`,
    adminToken,
    appToken,
    admin,
    send,
    close: () => server.close(),
  }
}

async function sendTo(url: string, path: string, asked: SendOptions): Promise<Answer> {
  const { method = 'GET', token, headers = {}, body } = asked
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw(body) ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  const parsed: unknown = type.includes('json') ? JSON.parse(text) : { text }
  return {
    status: response.status,
    type,
    headers: response.headers,
    body: parsed as Record<string, unknown>,
  }
}

function isRaw(body: unknown): body is string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' || body instanceof Uint8Array
}
