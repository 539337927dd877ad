import type { Coffre, Operator, StatusView } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { MAX_TOKEN_CHARACTERS } from '../model/limits.ts'
import type { Diagnosis } from '../model/diagnosis.ts'
import { Secret } from '../model/secret.ts'
import * as shape from './answer-shape.ts'
import { Connection } from './connection.ts'
import { remoteCeremonies, revealSecrets } from './remote-ceremonies.ts'
import { sendBatch, sendInspect, sendOperation } from './remote-data.ts'
import { remotePolicies, remoteTokens } from './remote-access.ts'
import { remoteAudit } from './remote-audit.ts'
import { remoteLogins } from './remote-logins.ts'
import { remoteApiKeys } from './remote-api-keys.ts'
import { remoteBackups } from './remote-backups.ts'
import { remoteCache } from './remote-cache.ts'
import { remoteSessions } from './remote-sessions.ts'
import { remoteUsers } from './remote-users.ts'
import { remoteKeys } from './remote-keys.ts'
import { remoteStreams, sendLines } from './remote-streams.ts'
import type { ClientTls } from './send-encrypted.ts'
import { parseServerAddress } from './server-address.ts'

export interface ConnectOptions {
  /** For a whole answer; 30,000 when absent. */
  readonly timeoutMilliseconds?: number
  /** 96 MiB when absent: 1,000 random values of 64 KiB in base64. */
  readonly maxAnswerBytes?: number
  /** Sends tokens and plaintext unencrypted over a network. For a network that is encrypted below http. */
  readonly allowInsecure?: boolean
  /** For https: PEM texts. */
  readonly tls?: ClientTls
}

const DIAGNOSIS_SHAPE: shape.AnswerShape<Diagnosis> = {
  verdict: 'string',
  format: 'string',
  next: 'string',
  facts: 'object',
}
const DEFAULT_TIMEOUT = 30_000
const DEFAULT_MAX_ANSWER_BYTES = 96 * 1024 * 1024
/** RFC 6750, section 2.1 (b64token), so that a token cannot break out of its header. */
const TOKEN_TEXT = /^[A-Za-z0-9._~+/=-]+$/

/**
 * A Coffre server, with the same interface as `openCoffre`. Connects when first used. Without a token only
 * `operator.status` answers. Throws CONFIG_REFUSED for an address that is not https or loopback and
 * UNAUTHENTICATED for a text that cannot be a token; methods reject with the server's error, or
 * SERVER_UNREACHABLE.
 */
export function connectCoffre(url: string, token?: Secret | string, options: ConnectOptions = {}): Coffre {
  const connection = new Connection({
    base: parseServerAddress(url, options.allowInsecure === true ? 'any' : 'encrypted-or-loopback'),
    token: token === undefined ? undefined : parseToken(token),
    timeoutMilliseconds: options.timeoutMilliseconds ?? DEFAULT_TIMEOUT,
    maxAnswerBytes: options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES,
    tls: options.tls ?? {},
  })
  return {
    keys: remoteKeys(connection),
    tokens: remoteTokens(connection),
    policies: remotePolicies(connection),
    logins: remoteLogins(connection),
    users: remoteUsers(connection),
    apiKeys: remoteApiKeys(connection),
    sessions: remoteSessions(connection),
    cache: remoteCache(connection),
    backups: remoteBackups(connection),
    audit: remoteAudit(connection, options),
    operator: remoteOperator(connection),
    encrypt: (request) => sendOperation(connection, 'encrypt', request),
    decrypt: (request) => sendOperation(connection, 'decrypt', request),
    rewrap: (request) => sendOperation(connection, 'rewrap', request),
    sign: (request) => sendOperation(connection, 'sign', request),
    verify: (request) => sendOperation(connection, 'verify', request),
    mac: (request) => sendOperation(connection, 'mac', request),
    verifyMac: (request) => sendOperation(connection, 'verify-mac', request),
    generateDataKey: (request) => sendOperation(connection, 'data-key', request),
    deriveKey: (request) => sendOperation(connection, 'derive-key', request),
    random: (request) => sendOperation(connection, 'random', request),
    ...remoteStreams(connection),
    batch: (operation, items) => sendBatch(connection, operation, items),
    batchStream: (operation, items) => sendLines(connection, operation, items),
    inspect: (blob) => sendInspect(connection, blob),
    diagnose: async (request) =>
      shape.parseAnswer<Diagnosis>(
        await connection.send({ method: 'POST', path: '/diagnose', body: request }),
        DIAGNOSIS_SHAPE,
      ),
    close: async () => connection.close(),
  }
}

function remoteOperator(connection: Connection): Operator {
  return {
    status: async () => parseStatus(await connection.send({ method: 'GET', path: '/status' })),
    seal: async () => parseStatus(await connection.send({ method: 'POST', path: '/seal', body: {} })),
    unseal: async (given = {}) => {
      const body = revealSecrets(given)
      return parseStatus(await connection.send({ method: 'POST', path: '/unseal', body }))
    },
    ceremonies: remoteCeremonies(connection),
  }
}

function parseStatus(answer: unknown): StatusView {
  return shape.parseAnswer(answer, shape.STATUS_SHAPE)
}

function parseToken(token: Secret | string): Secret {
  const secret = typeof token === 'string' ? new Secret(token) : token
  const text = secret.reveal()
  if (text.length > MAX_TOKEN_CHARACTERS || !TOKEN_TEXT.test(text)) throw new CoffreError('UNAUTHENTICATED')
  return secret
}
