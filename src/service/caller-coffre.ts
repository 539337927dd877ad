import type { Audit } from '../model/audit.ts'
import { parseKeyId } from '../model/ids.ts'
import type {
  BatchItem,
  DataOperationName,
  DataOperations,
  EmbeddedCoffre,
  Inspection,
  Keys,
  Operator,
  Policies,
  Tokens,
} from '../model/coffre.ts'
import { readRangeParts } from '../model/file-layout.ts'
import type {
  ByteStream,
  DecryptPartsRequest,
  DecryptRangeRequest,
  DecryptStreamRequest,
  EncryptStreamRequest,
  RangeSource,
} from '../model/streams.ts'
import type { Diagnosis, DiagnosisRequest } from '../model/diagnosis.ts'
import type { CoffreSessions } from '../model/session.ts'
import type { Logins } from '../model/login-role.ts'
import type { EmbeddedApiKeys } from '../model/api-key.ts'
import type { Users } from '../model/user.ts'
import { authorize } from './access/authorize.ts'
import type { CoffreBackups } from '../model/backup-schedule.ts'
import type { CoffreCache } from '../model/cache.ts'
import { type Caller, newRequestId, systemCaller } from './caller.ts'
import { callerAudit } from './caller-audit.ts'
import { callerBackups } from './caller-backups.ts'
import type { Outcome } from './data/batch.ts'
import { groupItems, sizeOfRequest } from './data/group-items.ts'
import { inspectBlob } from './data/inspect.ts'
import type { Core } from './operator/core.ts'
import { Reach } from './policy/reach.ts'

/** The interface of `model/coffre.ts` for one caller: what the library, the CLI and every HTTP request use. */
export class CallerCoffre implements EmbeddedCoffre {
  readonly #core: Core
  readonly #caller: Caller

  constructor(core: Core, caller: Caller) {
    this.#core = core
    this.#caller = caller
  }

  encrypt = (request: DataOperations['encrypt']['request']) => this.#one('encrypt', request)
  decrypt = (request: DataOperations['decrypt']['request']) => this.#one('decrypt', request)
  rewrap = (request: DataOperations['rewrap']['request']) => this.#one('rewrap', request)
  sign = (request: DataOperations['sign']['request']) => this.#one('sign', request)
  verify = (request: DataOperations['verify']['request']) => this.#one('verify', request)
  mac = (request: DataOperations['mac']['request']) => this.#one('mac', request)
  verifyMac = (request: DataOperations['verify-mac']['request']) => this.#one('verify-mac', request)
  generateDataKey = (request: DataOperations['data-key']['request']) => this.#one('data-key', request)
  deriveKey = (request: DataOperations['derive-key']['request']) => this.#one('derive-key', request)
  random = (request: DataOperations['random']['request']) => this.#one('random', request)

  async batch<Name extends DataOperationName>(
    operation: Name,
    items: readonly DataOperations[Name]['request'][],
  ): Promise<readonly BatchItem<DataOperations[Name]['result']>[]> {
    const outcomes = await this.#core.data.run(this.#caller, operation, items)
    return outcomes.map((outcome) =>
      'value' in outcome ? { ok: true, value: outcome.value } : { ok: false, error: outcome.error.toJSON() },
    )
  }

  async *batchStream<Name extends DataOperationName>(
    operation: Name,
    items: AsyncIterable<DataOperations[Name]['request']> | Iterable<DataOperations[Name]['request']>,
  ): AsyncGenerator<BatchItem<DataOperations[Name]['result']>> {
    for await (const group of groupItems(items, { sizeOf: sizeOfRequest })) {
      yield* await this.batch(operation, group)
    }
  }

  async encryptStream(source: ByteStream, request: EncryptStreamRequest): Promise<ByteStream> {
    return this.#core.streams.encrypt(this.#caller, source, request)
  }

  async decryptStream(source: ByteStream, request: DecryptStreamRequest = {}): Promise<ByteStream> {
    return this.#core.streams.decrypt(this.#caller, source, request)
  }

  async decryptRange(source: RangeSource, request: DecryptRangeRequest): Promise<ByteStream> {
    const parts = ReadableStream.from(readRangeParts(source, request))
    return this.decryptParts(parts, { ...request, size: source.size })
  }

  async decryptParts(parts: ByteStream, request: DecryptPartsRequest): Promise<ByteStream> {
    return this.#core.streams.decryptParts(this.#caller, parts, request)
  }

  diagnose = (request: DiagnosisRequest): Promise<Diagnosis> => this.#diagnose(request)

  /** Names the key only where the caller may read it. */
  async inspect(blob: string | Uint8Array): Promise<Inspection> {
    await authorize(this.#core.trail, this.#caller, 'key.read')
    const inspection = inspectBlob(blob)
    const { keyId } = inspection
    const key = keyId === undefined ? undefined : await this.#core.store.findKeyById(parseKeyId(keyId))
    const reach = new Reach(this.#caller, 'key.read')
    if (key === undefined || key.tenant !== reach.tenant || !reach.allows(key)) return inspection
    return { ...inspection, key: key.name, algorithm: inspection.algorithm ?? key.algorithm }
  }

  get keys(): Keys {
    const { keys, transfer } = this.#core
    const caller = this.#caller
    return {
      create: (request) => keys.create(caller, request),
      list: (query) => keys.list(caller, query),
      get: (name) => keys.get(caller, name),
      update: (name, labels) => keys.update(caller, name, labels),
      rotate: (name) => keys.rotate(caller, name),
      prepare: (name) => keys.prepare(caller, name),
      importParams: () => transfer.importParams(caller),
      importKey: (request) => transfer.importKey(caller, request),
      importVersion: (name, material) => transfer.importVersion(caller, name, material),
      exportKey: (name, request) => transfer.exportKey(caller, name, request),
      rollback: (name, options) => keys.rollback(caller, name, options?.version),
      suspend: (name, options) => keys.move(caller, name, 'suspend', options?.version),
      resume: (name, options) => keys.move(caller, name, 'resume', options?.version),
      deactivate: (name, options) => keys.move(caller, name, 'deactivate', options?.version),
      compromise: (name, options) => keys.move(caller, name, 'compromise', options?.version),
      setFloor: (name, version) => keys.setFloor(caller, name, version),
      destroy: (name, options) => keys.destroy(caller, name, options.version),
      scheduleDestroy: (name, options) => keys.scheduleDestroy(caller, name, options?.days),
      cancelDestroy: (name) => keys.cancelDestroy(caller, name),
    }
  }

  get tokens(): Tokens {
    const { tokens } = this.#core
    const caller = this.#caller
    return {
      create: (request) => tokens.create(caller, request),
      list: () => tokens.list(caller),
      get: (id) => tokens.get(caller, id),
      revoke: (id, options) => tokens.revoke(caller, id, options),
      whoami: () => tokens.whoami(caller),
      renew: (options) => tokens.renew(caller, options),
      revokeSelf: (options) => tokens.revokeSelf(caller, options),
    }
  }

  get logins(): Logins {
    const { logins } = this.#core
    const caller = this.#caller
    return {
      createRole: (request) => logins.createRole(caller, request),
      listRoles: () => logins.listRoles(caller),
      getRole: (name) => logins.getRole(caller, name),
      deleteRole: (name) => logins.deleteRole(caller, name),
      withJwt: (request) => logins.withJwt(caller, request),
      withCertificate: (request) => logins.withCertificate(caller, request, caller.certificate),
      withClient: (request) => logins.withClient(caller, request),
    }
  }

  get users(): Users {
    const { users } = this.#core
    const caller = this.#caller
    return {
      create: (request) => users.create(caller, request),
      list: (query) => users.list(caller, query),
      get: (user) => users.get(caller, user),
      me: () => users.me(caller),
      rotateSecret: (user, request) => users.rotateSecret(caller, user, request),
      delete: (user) => this.#core.caches.deleteUser(caller, this.#cacheJob(), user),
    }
  }

  get apiKeys(): EmbeddedApiKeys {
    const core = this.#core
    const caller = this.#caller
    return {
      set: async (request) => core.apiKeys.set(caller, request),
      get: async (user) => core.apiKeys.get(caller, user),
      remove: async (user) => core.apiKeys.remove(caller, user),
      test: async (user) => core.apiKeys.test(caller, user),
      list: async (query) => core.apiKeys.list(caller, query),
      rotateWrapping: async (options) => core.apiKeys.rotateWrapping(caller, options),
      revokeAll: async (options) => core.apiKeys.revokeAll(caller, options),
      use: async (user, work) => core.apiKeys.use(caller, user, work),
    }
  }

  get sessions(): CoffreSessions {
    return this.#core.sessions.for(this.#caller, this)
  }

  get cache(): CoffreCache {
    return this.#core.caches.for(this.#caller, this.#cacheJob())
  }

  get policies(): Policies {
    const { policies } = this.#core
    const caller = this.#caller
    return {
      create: (name, document) => policies.create(caller, name, document),
      list: () => policies.list(caller),
      get: (name) => policies.get(caller, name),
      update: (name, document, options) => policies.update(caller, name, { document, epoch: options?.epoch }),
      delete: (name) => policies.delete(caller, name),
      test: (request) => policies.test(caller, request),
    }
  }

  get backups(): CoffreBackups {
    return callerBackups(this.#core, this.#caller)
  }

  get audit(): Audit {
    return callerAudit(this.#core, this.#caller)
  }

  get operator(): Operator {
    const core = this.#core
    const caller = this.#caller
    if (core.operatorElsewhere !== undefined) return core.operatorElsewhere(caller)
    return {
      status: () => core.status(),
      seal: async () => {
        await core.seal(caller)
        return core.status()
      },
      unseal: async (options) => {
        await core.unseal(caller, options)
        return core.status()
      },
      ceremonies: core.ceremonies.for(caller),
    }
  }

  /** Closes the whole Coffre; the server calls it once, when it stops. */
  close(): Promise<void> {
    return this.#core.close()
  }

  /** Users reach no key and no audit log; their data keys and receipts come from there. */
  #cacheJob(): CallerCoffre {
    const { principal, requestId } = this.#caller
    return new CallerCoffre(this.#core, { ...systemCaller('cache', principal.tenant), requestId })
  }

  async #diagnose(request: DiagnosisRequest): Promise<Diagnosis> {
    return this.#core.diagnosis.diagnose(this.#caller, request)
  }

  async #one<Name extends DataOperationName>(
    operation: Name,
    request: DataOperations[Name]['request'],
  ): Promise<DataOperations[Name]['result']> {
    const [outcome] = await this.#core.data.run(this.#caller, operation, [request])
    return valueOf(outcome)
  }
}

/** A caller whose every call is a request of its own, for the library and the CLI. */
export function withOwnRequests(caller: Caller): Caller {
  return {
    principal: caller.principal,
    role: caller.role,
    access: caller.access,
    ...(caller.user === undefined ? {} : { user: caller.user }),
    get requestId() {
      return newRequestId()
    },
  }
}

function valueOf<Result>(outcome: Outcome<Result> | undefined): Result {
  if (outcome === undefined) throw new Error('unreachable: a batch of one has one outcome')
  if ('error' in outcome) throw outcome.error
  return outcome.value
}
