import { DATA_OPERATION_NAMES, type DataOperationName } from '../../src/model/coffre.ts'
import { LINES_TYPE, STREAM_TYPE } from '../../src/model/wire.ts'
import type { Role } from '../../src/model/token.ts'

/** What a request is about: things of one tenant, or of nobody. */
export interface Target {
  /** Begins every name. */
  readonly name: string
  readonly ciphertext: string
  readonly file: Uint8Array
  /** What a request for a range of it sends. */
  readonly fileParts: Uint8Array
  readonly signature: string
  readonly mac: string
  readonly peerPublicKey: string
  readonly token: string
  readonly policy: string
}

/** docs/design/access.md, written down a second time on purpose. */
export type Permission =
  | 'data.use'
  | 'data.diagnose'
  | 'key.read'
  | 'key.create'
  | 'key.update'
  | 'key.rotate'
  | 'key.move'
  | 'key.destroy'
  | 'key.export'
  | 'token.read'
  | 'token.change'
  | 'policy.read'
  | 'policy.change'
  | 'login.read'
  | 'login.change'
  | 'user.read'
  | 'user.change'
  | 'user.self'
  | 'api-key.rotate'
  | 'api-key.revoke'
  | 'backup.record'
  | 'backup.read'
  | 'backup.run'
  | 'audit.read'
  | 'operator.change'

export const MAY: Readonly<Record<Role, readonly Permission[] | 'everything'>> = {
  admin: 'everything',
  operator: [
    'data.diagnose',
    'key.read',
    'key.rotate',
    'key.move',
    'api-key.rotate',
    'backup.record',
    'backup.read',
    'backup.run',
    'operator.change',
  ],
  auditor: [
    'key.read',
    'token.read',
    'policy.read',
    'login.read',
    'user.read',
    'backup.record',
    'backup.read',
    'audit.read',
  ],
  app: ['data.use', 'key.read', 'backup.record'],
  user: ['user.self'],
}
/** For callers without policies only. */
export const UNCONFINED_ONLY: readonly Permission[] = [
  'policy.change',
  'login.read',
  'login.change',
  'user.read',
  'user.change',
  'audit.read',
  'api-key.rotate',
  'api-key.revoke',
  'backup.read',
  'backup.run',
  'operator.change',
]
/** For callers of the tenant `default` only. */
export const DEFAULT_TENANT_ONLY: readonly Permission[] = [
  'backup.read',
  'backup.run',
  'operator.change',
  'api-key.rotate',
  'api-key.revoke',
]

export interface RouteRow {
  /** `POST /keys/{name}/rotate`, as /openapi.json has it. */
  readonly route: string
  /** `anybody`: without a token. `itself`: any valid token, about itself. */
  readonly needs: Permission | 'anybody' | 'itself'
  /** `target`: something that exists or does not. `new`: something that policies decide before it exists. `cache`: policies must cover the key of the cache. */
  readonly about: 'key' | 'token' | 'policy' | 'new-key' | 'new-token' | 'cache' | 'nothing'
  readonly body?: (target: Target) => unknown
  /** `key={key}`: after the path. */
  readonly query?: string
  /** JSON when absent. */
  readonly type?: string
}

const OPERATION_BODY: Readonly<Record<DataOperationName, (target: Target) => object>> = {
  encrypt: ({ name }) => ({ key: `${name}-aes`, plaintext: 'eA==' }),
  decrypt: ({ ciphertext }) => ({ ciphertext }),
  rewrap: ({ ciphertext }) => ({ ciphertext }),
  sign: ({ name }) => ({ key: `${name}-sign`, message: 'eA==' }),
  verify: ({ name, signature }) => ({ key: `${name}-sign`, message: 'eA==', signature }),
  mac: ({ name }) => ({ key: `${name}-mac`, message: 'eA==' }),
  'verify-mac': ({ name, mac }) => ({ key: `${name}-mac`, message: 'eA==', mac }),
  'data-key': ({ name }) => ({ key: `${name}-aes` }),
  'derive-key': ({ name, peerPublicKey }) => ({ key: `${name}-agree`, peerPublicKey, info: 'i' }),
  random: () => ({}),
}

const DATA_ROWS = DATA_OPERATION_NAMES.flatMap((operation): RouteRow[] => {
  const body = OPERATION_BODY[operation]
  const about = operation === 'random' ? 'nothing' : 'key'
  return [
    { route: `POST /${operation}`, needs: 'data.use', about, body },
    {
      route: `POST /${operation}/batch`,
      needs: 'data.use',
      about,
      body: (target) => ({ items: [body(target)] }),
    },
    {
      route: `POST /${operation}/ndjson`,
      needs: 'data.use',
      // Each line fails on its own, so what the role or a policy refuses stands in the answer to a line.
      about,
      type: LINES_TYPE,
      body: (target) => `${JSON.stringify(body(target))}\n`,
    },
  ]
})

/** A move's own refusal (MOVE_REFUSED, KEY_VERSION_NOT_FOUND) tells that the key exists as well as its success. */
const move = (verb: string, needs: Permission, body: object = {}): RouteRow => ({
  route: `POST /keys/{name}/${verb}`,
  needs,
  about: 'key',
  body: () => body,
})

const DAYS = '?from=2024-01-15&to=2024-01-16'
const SECRETS = { oldSecret: 'an old secret', newSecret: 'a new secret' }
const CACHE_ROWS: readonly RouteRow[] = [
  { route: 'GET /cache', needs: 'user.self', about: 'nothing' },
  { route: 'GET /cache/{key}', needs: 'user.self', about: 'nothing' },
  { route: 'PUT /cache/{key}', needs: 'user.self', about: 'nothing' },
  { route: 'DELETE /cache/{key}', needs: 'user.self', about: 'nothing' },
  { route: 'GET /cache/{type}/{pdl}', needs: 'user.self', about: 'nothing', query: DAYS },
  { route: 'POST /cache/list', needs: 'user.self', about: 'nothing' },
  { route: 'POST /cache/purge', needs: 'user.self', about: 'nothing' },
  { route: 'POST /cache/erase', needs: 'user.self', about: 'nothing' },
  { route: 'GET /users/{user}/cache', needs: 'user.read', about: 'nothing' },
  { route: 'GET /users/{user}/cache/{key}', needs: 'data.use', about: 'cache' },
  { route: 'PUT /users/{user}/cache/{key}', needs: 'data.use', about: 'cache' },
  { route: 'DELETE /users/{user}/cache/{key}', needs: 'data.use', about: 'cache' },
  { route: 'GET /users/{user}/cache/{type}/{pdl}', needs: 'data.use', about: 'cache', query: DAYS },
  { route: 'POST /users/{user}/cache/list', needs: 'data.use', about: 'cache' },
  { route: 'POST /users/{user}/cache/purge', needs: 'user.change', about: 'nothing' },
  { route: 'POST /users/{user}/cache/erase', needs: 'user.change', about: 'nothing' },
  { route: 'POST /users/{user}/cache/rekey', needs: 'user.change', about: 'nothing', body: () => SECRETS },
  {
    route: 'POST /users/{user}/cache/migrate',
    needs: 'user.change',
    about: 'nothing',
    body: () => ({ to: 'v2', clientSecret: 'a secret' }),
  },
]

const RULES = { rules: [] }
const MATERIAL = {
  format: 'raw',
  bytes: Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64'),
}

/** Every route of the API. A new one needs a row here: what may call it, and what it is about. */
export const ROUTE_TABLE: readonly RouteRow[] = [
  ...DATA_ROWS,
  {
    route: 'POST /encrypt-stream',
    needs: 'data.use',
    about: 'key',
    query: '?key={key}',
    type: STREAM_TYPE,
    body: () => 'x',
  },
  {
    route: 'POST /decrypt-stream',
    needs: 'data.use',
    about: 'key',
    type: STREAM_TYPE,
    body: ({ file }) => file,
  },
  {
    route: 'POST /decrypt-range',
    needs: 'data.use',
    about: 'key',
    query: '?size={size}&offset=0',
    type: STREAM_TYPE,
    body: ({ fileParts }) => fileParts,
  },
  {
    route: 'POST /inspect',
    needs: 'key.read',
    about: 'key',
    body: ({ ciphertext }) => ({ blob: ciphertext }),
  },
  {
    route: 'POST /diagnose',
    needs: 'data.diagnose',
    about: 'key',
    body: ({ ciphertext }) => ({ blob: ciphertext }),
  },
  {
    route: 'POST /keys',
    needs: 'key.create',
    about: 'new-key',
    body: () => ({ name: 'new-aes' }),
  },
  { route: 'POST /keys/import-params', needs: 'key.create', about: 'nothing' },
  {
    route: 'POST /keys/import',
    needs: 'key.create',
    about: 'new-key',
    body: () => ({ name: 'new-aes', algorithm: 'aes256-gcm', material: MATERIAL }),
  },
  {
    route: 'POST /keys/{name}/import',
    // Who chooses the material knows it, so an operator, who may rotate, must not.
    needs: 'key.create',
    about: 'key',
    body: () => ({ material: MATERIAL }),
  },
  {
    route: 'POST /keys/{name}/export',
    needs: 'key.export',
    about: 'key',
    body: () => ({ target: { kind: 'wrapping-key', wrappingKey: 'none' } }),
  },
  { route: 'GET /keys', needs: 'key.read', about: 'nothing' },
  { route: 'GET /keys/{name}', needs: 'key.read', about: 'key' },
  { route: 'PATCH /keys/{name}', needs: 'key.update', about: 'key', body: () => ({ owner: 'o' }) },
  move('rotate', 'key.rotate'),
  move('prepare', 'key.rotate'),
  move('rollback', 'key.rotate', { version: 99 }),
  move('suspend', 'key.move', { version: 99 }),
  move('resume', 'key.move', { version: 99 }),
  move('deactivate', 'key.move', { version: 99 }),
  move('compromise', 'key.move', { version: 99 }),
  move('floor', 'key.move', { version: 99 }),
  move('destroy', 'key.destroy', { version: 99 }),
  move('schedule-destroy', 'key.destroy', { days: 6 }),
  move('cancel-destroy', 'key.destroy'),
  {
    route: 'POST /tokens',
    needs: 'token.change',
    about: 'new-token',
    body: () => ({ name: 'n', role: 'app', policies: ['covering'] }),
  },
  { route: 'GET /tokens', needs: 'token.read', about: 'nothing' },
  { route: 'GET /tokens/{id}', needs: 'token.read', about: 'token' },
  { route: 'POST /tokens/{id}/revoke', needs: 'token.change', about: 'token' },
  { route: 'GET /tokens/self', needs: 'itself', about: 'nothing' },
  { route: 'POST /tokens/renew', needs: 'itself', about: 'nothing' },
  { route: 'POST /tokens/self/revoke', needs: 'itself', about: 'nothing' },
  {
    route: 'POST /policies',
    needs: 'policy.change',
    about: 'nothing',
    body: () => ({ name: 'more', document: RULES }),
  },
  { route: 'GET /policies', needs: 'policy.read', about: 'nothing' },
  { route: 'GET /policies/{name}', needs: 'policy.read', about: 'policy' },
  {
    route: 'PUT /policies/{name}',
    needs: 'policy.change',
    about: 'policy',
    body: () => ({ document: RULES }),
  },
  {
    route: 'POST /policies/test',
    needs: 'policy.read',
    about: 'key',
    body: ({ name }) => ({ role: 'admin', operation: 'key.read', key: `${name}-aes` }),
  },
  {
    route: 'POST /login-roles',
    needs: 'login.change',
    about: 'nothing',
    body: () => ({
      name: 'more',
      method: 'certificate',
      boundClaims: { cn: ['more'] },
      role: 'app',
    }),
  },
  { route: 'GET /login-roles', needs: 'login.read', about: 'nothing' },
  { route: 'GET /login-roles/{name}', needs: 'login.read', about: 'nothing' },
  { route: 'DELETE /login-roles/{name}', needs: 'login.change', about: 'nothing' },
  { route: 'POST /login/jwt', needs: 'anybody', about: 'nothing' },
  { route: 'POST /login/certificate', needs: 'anybody', about: 'nothing' },
  { route: 'POST /login/client', needs: 'anybody', about: 'nothing' },
  {
    route: 'POST /sessions',
    needs: 'data.use',
    about: 'key',
    body: ({ name }) => ({ key: `${name}-sign`, audience: 'a', user: 'u' }),
  },
  ...['verify', 'refresh'].map(
    (way): RouteRow => ({
      route: `POST /sessions/${way}`,
      needs: 'data.use',
      about: 'key',
      body: ({ name }) => ({ key: `${name}-mac`, audience: 'a', token: 'x' }),
    }),
  ),
  {
    route: 'POST /sessions/revoke',
    needs: 'data.use',
    about: 'key',
    body: ({ name }) => ({ key: `${name}-sign`, user: 'u' }),
  },
  { route: 'POST /users', needs: 'user.change', about: 'nothing' },
  { route: 'GET /users', needs: 'user.read', about: 'nothing' },
  { route: 'GET /users/{user}', needs: 'user.read', about: 'nothing' },
  { route: 'POST /users/{user}/rotate-secret', needs: 'user.change', about: 'nothing' },
  { route: 'DELETE /users/{user}', needs: 'user.change', about: 'nothing' },
  { route: 'GET /users/me', needs: 'user.self', about: 'nothing' },
  {
    route: 'PATCH /users/me/api-key',
    needs: 'user.self',
    about: 'nothing',
    body: () => ({ api_key: 'x', provider: 'custom' }),
  },
  { route: 'DELETE /users/me/api-key', needs: 'user.self', about: 'nothing' },
  { route: 'POST /users/me/api-key/test', needs: 'user.self', about: 'nothing' },
  { route: 'GET /users/{user}/api-key', needs: 'user.read', about: 'nothing' },
  {
    route: 'PATCH /users/{user}/api-key',
    needs: 'user.change',
    about: 'nothing',
    body: () => ({ api_key: 'x' }),
  },
  { route: 'DELETE /users/{user}/api-key', needs: 'user.change', about: 'nothing' },
  { route: 'POST /users/{user}/api-key/test', needs: 'user.change', about: 'nothing' },
  { route: 'GET /api-keys', needs: 'user.read', about: 'nothing' },
  { route: 'POST /api-keys/rotate-wrapping', needs: 'api-key.rotate', about: 'nothing' },
  { route: 'POST /api-keys/revoke-all', needs: 'api-key.revoke', about: 'nothing' },
  ...CACHE_ROWS,
  {
    route: 'POST /backups/records',
    needs: 'backup.record',
    about: 'nothing',
    body: () => ({ action: 'backup.verify', series: 'nightly' }),
  },
  { route: 'GET /backups/schedules', needs: 'backup.read', about: 'nothing' },
  { route: 'GET /backups/schedules/{series}', needs: 'backup.read', about: 'nothing' },
  { route: 'GET /backups/schedules/{series}/runs', needs: 'backup.read', about: 'nothing' },
  { route: 'POST /backups/schedules/{series}/runs', needs: 'backup.run', about: 'nothing' },
  { route: 'GET /backups/runs/{id}', needs: 'backup.read', about: 'nothing' },
  { route: 'GET /backups/schedules/{series}/backups', needs: 'backup.read', about: 'nothing' },
  { route: 'GET /backups/schedules/{series}/backups/{sequence}', needs: 'backup.read', about: 'nothing' },
  { route: 'GET /backups/schedules/{series}/pruning', needs: 'backup.read', about: 'nothing' },
  { route: 'GET /audit/records', needs: 'audit.read', about: 'nothing' },
  { route: 'GET /audit/verify', needs: 'audit.read', about: 'nothing' },
  { route: 'POST /audit/verify', needs: 'audit.read', about: 'nothing' },
  { route: 'GET /audit/checkpoint', needs: 'audit.read', about: 'nothing' },
  { route: 'POST /audit/checkpoint', needs: 'operator.change', about: 'nothing' },
  { route: 'POST /audit/signing-key/rotate', needs: 'operator.change', about: 'nothing' },
  { route: 'GET /audit/verifier-keys', needs: 'anybody', about: 'nothing' },
  { route: 'GET /audit/proof/inclusion', needs: 'audit.read', about: 'nothing', query: '?index=0' },
  { route: 'GET /audit/proof/consistency', needs: 'audit.read', about: 'nothing', query: '?from=1' },
  {
    route: 'POST /operator/ceremony',
    needs: 'operator.change',
    about: 'nothing',
    body: () => ({ kind: 'rekey' }),
  },
  { route: 'GET /operator/ceremony', needs: 'operator.change', about: 'nothing' },
  {
    route: 'POST /operator/ceremony/collect',
    needs: 'operator.change',
    about: 'nothing',
    body: () => ({ nonce: 'x' }),
  },
  { route: 'POST /operator/ceremony/cancel', needs: 'operator.change', about: 'nothing' },
  { route: 'POST /unseal', needs: 'operator.change', about: 'nothing' },
  { route: 'POST /seal', needs: 'operator.change', about: 'nothing' },
  { route: 'GET /status', needs: 'anybody', about: 'nothing' },
  {
    route: 'POST /operator/ceremony/give',
    needs: 'anybody',
    about: 'nothing',
    body: () => ({ nonce: 'x', share: 'x' }),
  },
  {
    route: 'POST /operator/ceremony/take-over',
    needs: 'anybody',
    about: 'nothing',
    body: () => ({ nonce: 'x', share: 'x' }),
  },
  // Last: what is gone cannot be asked about any more.
  { route: 'DELETE /policies/{name}', needs: 'policy.change', about: 'policy' },
]
