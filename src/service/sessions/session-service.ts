import type { Clock } from '../../model/clock.ts'
import type { KeyView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { parseKeyId, parseKeyName } from '../../model/ids.ts'
import type {
  CheckSessionRequest,
  CoffreSessions,
  RevokeSessionsRequest,
  SessionFault,
  SessionFaultCounts,
  SessionRules,
} from '../../model/session.ts'
import type { Store } from '../../store/store.ts'
import { authorize, refuse } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { ChangeFeed } from '../change-feed.ts'
import { Reach } from '../policy/reach.ts'
import { CoffreSessionKeys, type CoffreSessionKeysOptions } from './coffre-session-keys.ts'
import { DerivedSessionKeys, type DerivedSessionKeysOptions } from './derived-session-keys.ts'
import { MAX_REVOCATIONS } from './memory-revocations.ts'
import { FaultCounter } from './session-faults.ts'
import type { SessionRevocation } from './session-revocations.ts'
import { MAX_LIMIT_SECONDS, Sessions } from './sessions.ts'
import { StoreRevocations, toRow } from './store-revocations.ts'

const ISSUER = 'coffre'
/** The algorithm of a key under which sessions are encrypted. */
const ENCRYPTING = 'x25519'

export interface SessionServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly changes: ChangeFeed
}

type SignerCoffre = CoffreSessionKeysOptions['coffre'] & DerivedSessionKeysOptions['coffre']

/** What a caller may do whose sessions are under a key of that algorithm. */
const OPERATIONS: Readonly<Record<string, 'data.sign' | 'data.derive-key'>> = {
  ed25519: 'data.sign',
  [ENCRYPTING]: 'data.derive-key',
}

/** Sessions under keys of the store, for applications that hold none. Each signature is a data operation of the caller. */
export class SessionService {
  readonly #parts: SessionServiceParts
  readonly #revocations: StoreRevocations
  readonly #faults = new FaultCounter()

  constructor(parts: SessionServiceParts) {
    this.#parts = parts
    this.#revocations = new StoreRevocations(parts.store, parts.clock)
    parts.changes.subscribe(this.#revocations)
  }

  /** How often a token was refused here, by cause. */
  get faults(): SessionFaultCounts {
    return this.#faults.read()
  }

  /** `coffre` is the caller's own, so that its role and policies decide. */
  for(caller: Caller, coffre: SignerCoffre): CoffreSessions {
    const open = (rules: SessionRules) => this.#open(caller, coffre, rules)
    return {
      create: async (request) => (await open(request)).create(request.user, request.data),
      verify: async (request) => (await open(request)).verify(readToken(request)),
      refresh: async (request) => (await open(request)).refresh(readToken(request)),
      revoke: (request) => this.#revoke(caller, coffre, request),
    }
  }

  async #open(caller: Caller, coffre: SignerCoffre, rules: SessionRules): Promise<Sessions> {
    await authorize(this.#parts.trail, caller, 'data.use')
    // Whatever the token is, a key that the caller does not reach is not there.
    const view = await coffre.keys.get(rules.key)
    // No record is made of a verification, so nothing else would tell of a revocation elsewhere.
    await this.#parts.changes.ask()
    return this.#sessionsOf(view, coffre, rules)
  }

  #sessionsOf(view: KeyView, coffre: SignerCoffre, rules: SessionRules): Sessions {
    const { clock } = this.#parts
    const { idleSeconds, absoluteSeconds, audience, issuer = ISSUER } = rules
    const id = parseKeyId(view.id)
    return new Sessions({
      ...keysOf(view, coffre, clock),
      issuer,
      audience,
      clock,
      ...(idleSeconds === undefined ? {} : { idleSeconds }),
      ...(absoluteSeconds === undefined ? {} : { absoluteSeconds }),
      revocations: {
        isRevoked: (session) => this.#revocations.isRevoked(id, session),
        add: () => Promise.reject(new Error('unreachable: `revoke` writes them with their record')),
      },
      onFault: (fault: SessionFault) => this.#faults.add(fault),
    })
  }

  async #revoke(caller: Caller, coffre: SignerCoffre, request: RevokeSessionsRequest): Promise<void> {
    const { store, trail, clock } = this.#parts
    await authorize(trail, caller, 'data.use')
    const view = await coffre.keys.get(request.key)
    const operation = OPERATIONS[view.algorithm] ?? 'data.mac'
    const guarded = { name: parseKeyName(view.name), labels: view }
    if (!new Reach(caller, operation).allows(guarded)) await refuse(trail, caller, operation)
    const revocation = await collectRevocation(
      request,
      (revocations) =>
        // Lasts as long as any session may that this key has signed.
        new Sessions({
          keys: new CoffreSessionKeys({ coffre, key: request.key, clock }),
          issuer: ISSUER,
          audience: ISSUER,
          absoluteSeconds: MAX_LIMIT_SECONDS,
          clock,
          revocations,
        }),
    )
    const id = parseKeyId(view.id)
    if ((await this.#revocations.of(id)).prune() >= MAX_REVOCATIONS) {
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'revocations', maximum: MAX_REVOCATIONS } })
    }
    try {
      await store.transaction(async (tx) => {
        await tx.pruneSessionRevocations(clock())
        await tx.putSessionRevocation(id, toRow(revocation))
        const { principal, requestId } = caller
        const detail = { kind: revocation.kind }
        const about = { key: guarded.name, keyId: id, detail } as const
        await trail.append(tx, [{ action: 'session.revoke', principal, requestId, outcome: 'ok', ...about }])
      })
    } finally {
      // Also after an error: the commit may have happened and only its answer been lost.
      this.#revocations.drop(id)
    }
  }
}

/** The key decides the form of its sessions. */
function keysOf({ algorithm, name }: KeyView, coffre: SignerCoffre, clock: Clock) {
  const parts = { coffre, key: name, clock }
  if (algorithm !== ENCRYPTING) return { keys: new CoffreSessionKeys(parts) }
  return { keys: new DerivedSessionKeys(parts), form: 'encrypted' } as const
}

/** What `Sessions` would have written. */
async function collectRevocation(
  { id, user, all }: RevokeSessionsRequest,
  make: (revocations: ConstructorParameters<typeof Sessions>[0]['revocations'] & object) => Sessions,
): Promise<SessionRevocation> {
  const found: SessionRevocation[] = []
  const sessions = make({
    add: async (revocation) => void found.push(revocation),
    isRevoked: () => Promise.resolve(false),
  })
  if ([id, user, all].filter((each) => each !== undefined).length !== 1) {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'id', expected: 'one of id, user and all' } })
  }
  if (id !== undefined) await sessions.revoke(id)
  else if (user !== undefined) await sessions.revokeUser(user)
  else await sessions.revokeAll()
  const [revocation] = found
  if (revocation === undefined) throw new Error('unreachable: each of the three adds one')
  return revocation
}

function readToken({ token }: CheckSessionRequest): string {
  return typeof token === 'string' ? token : token.reveal()
}
