import { newRequestId } from '../../src/service/caller.ts'
import { randomBytes } from '../../src/crypto/random.ts'
import type { Attempt, Subject, SweptOperation } from './swept-operations.ts'

/** Swept operations on what others hold: keys that come and go, the seal and the root key, ways in. */
const rawKey = () => ({ format: 'raw', bytes: randomBytes(32) }) as const

const TRANSFERS: readonly SweptOperation[] = [
  {
    name: 'key import',
    action: 'key.import',
    run: async ({ coffre }, { key, ledger }) => {
      const request = { name: `${key}-in`, algorithm: 'aes256-gcm', material: rawKey() } as const
      ledger.settle(await coffre.keys.importKey(request))
    },
  },
  {
    name: 'version import',
    action: 'key.import-version',
    run: async ({ coffre }, { key, ledger }) => {
      ledger.doubt(key, 'import-version')
      ledger.settle(await coffre.keys.importVersion(key, rawKey()))
    },
  },
  {
    name: 'key export',
    action: 'key.export',
    prepare: async ({ coffre }, { key, ledger }) => {
      ledger.settle(
        await coffre.keys.create({ name: `${key}-out`, algorithm: 'aes256-gcm', exportable: true }),
      )
      ledger.settle(await coffre.keys.create({ name: `${key}-wrap`, algorithm: 'aes256-kwp' }))
    },
    run: async ({ coffre }, { key }) => {
      const target = { kind: 'wrapping-key', wrappingKey: `${key}-wrap` } as const
      const { wrapped } = await coffre.keys.exportKey(`${key}-out`, { target })
      const material = { format: 'wrapped', wrappingKey: `${key}-wrap`, bytes: wrapped } as const
      await coffre.keys.importKey({ name: `${key}-${newRequestId()}`, algorithm: 'aes256-gcm', material })
    },
  },
]

const CEREMONIES: readonly SweptOperation[] = [
  {
    name: 'rekey',
    action: 'seal.rekey',
    run: async ({ coffre }) => {
      await coffre.operator.ceremonies.begin({ kind: 'rekey', seal: { provider: 'environment' } })
    },
  },
  {
    name: 'rotate root',
    action: 'root.rotate',
    growsWithStore: true,
    // A second attempt goes on with what the first has left to rewrap.
    run: async ({ core, coffre }) => {
      await core.finishSweep()
      await coffre.operator.ceremonies.begin({ kind: 'rotate-root' })
      await core.finishSweep()
    },
  },
]

async function makeLoginRole({ coffre }: Subject, { key }: Attempt): Promise<void> {
  const boundClaims = { cn: [key] }
  await coffre.logins.createRole({ name: key, method: 'certificate', boundClaims, role: 'app' })
}

async function makeUser({ coffre }: Subject, { key }: Attempt): Promise<void> {
  await coffre.users.create({ clientId: key })
}

async function setApiKey({ coffre }: Subject, { key }: Attempt): Promise<void> {
  await coffre.apiKeys.set({ user: key, apiKey: `key of ${key}`, provider: 'custom' })
}

const WAYS_IN: readonly SweptOperation[] = [
  {
    name: 'session revoke',
    action: 'session.revoke',
    prepare: async ({ coffre }, { key, ledger }) => {
      ledger.settle(await coffre.keys.create({ name: `${key}-session`, algorithm: 'ed25519' }))
    },
    run: ({ coffre }, { key }) => coffre.sessions.revoke({ key: `${key}-session`, user: 'u' }),
  },
  { name: 'login role create', action: 'login-role.create', run: makeLoginRole },
  {
    name: 'login role delete',
    action: 'login-role.delete',
    prepare: makeLoginRole,
    run: ({ coffre }, { key }) => coffre.logins.deleteRole(key),
  },
  { name: 'user create', action: 'user.create', run: makeUser },
  {
    name: 'user rotate secret',
    action: 'user.rotate-secret',
    prepare: makeUser,
    run: async ({ coffre }, { key }) => {
      await coffre.users.rotateSecret(key)
    },
  },
  {
    name: 'user delete',
    action: 'user.delete',
    prepare: makeUser,
    run: async ({ coffre }, { key }) => {
      await coffre.users.delete(key)
    },
  },
  {
    name: 'api key set',
    action: 'api-key.set',
    // The first one makes the keys that encrypt it.
    growsWithStore: true,
    prepare: makeUser,
    run: setApiKey,
  },
  {
    name: 'api key remove',
    action: 'api-key.remove',
    prepare: async (subject, attempt) => {
      await makeUser(subject, attempt)
      await setApiKey(subject, attempt)
    },
    run: ({ coffre }, { key }) => coffre.apiKeys.remove(key),
  },
  {
    name: 'api keys rotate wrapping',
    action: 'api-key.rotate-wrapping',
    growsWithStore: true,
    run: async ({ coffre }) => {
      await coffre.apiKeys.rotateWrapping()
    },
  },
  {
    name: 'api keys revoke all',
    action: 'api-key.revoke-all',
    growsWithStore: true,
    run: async ({ coffre }) => {
      await coffre.apiKeys.revokeAll()
    },
  },
  {
    name: 'token renew',
    action: 'token.renew',
    prepare: async ({ coffre }, attempt) => {
      const bounds = { ttlSeconds: 3_600, maxTtlSeconds: 86_400 }
      const { token } = await coffre.tokens.create({ name: attempt.key, role: 'app', ...bounds })
      attempt.note = token.reveal()
    },
    run: async ({ core }, { note }) => {
      const caller = await core.tokens.authenticate(note, { requestId: newRequestId() })
      await core.tokens.renew(caller)
    },
  },
]

export const TRUST_OPERATIONS: readonly SweptOperation[] = [...TRANSFERS, ...CEREMONIES, ...WAYS_IN]
