import { readClientCertificate } from '../../crypto/certificate.ts'
import { type Clock, formatInstant } from '../../model/clock.ts'
import type { CreatedToken } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { DEFAULT_TENANT, parseLoginRoleName, parseTenantId, type TenantId } from '../../model/ids.ts'
import type {
  ClientLoginRequest,
  CreateLoginRoleRequest,
  JwtLoginRequest,
  LoginMethod,
  LoginRequest,
  LoginRole,
  LoginRoleDescription,
  LoginRoleView,
} from '../../model/login-role.ts'
import { MAX_TEXT_CHARACTERS } from '../../model/limits.ts'
import type { Store } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { Issue, TokenService } from '../access/token-service.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { revealText } from '../users/client-secret.ts'
import { findUserNamed } from '../users/find-user.ts'
import type { UserService } from '../users/user-service.ts'
import { matchesClaims } from './bound-claims.ts'
import { judgeJwt, readJwtHead } from './judge-jwt.ts'
import { type FetchDocument, KeySetCache } from './key-set-cache.ts'
import { type LoginRule, parseLoginRole } from './login-role-document.ts'

/** More ways in than anybody oversees. */
const MAX_LOGIN_ROLES = 256
/** As of a login role that says nothing. */
const CLIENT_TTL_SECONDS = 3_600

/** How documents of issuers come here; `app.ts` joins it with `http/outgoing`. */
export interface IssuerDocuments {
  /** Throws CONFIG_REFUSED for an address that would not be fetched. */
  check(url: string): Promise<void>
  readonly fetch: FetchDocument
}

export const NO_DOCUMENTS: IssuerDocuments = {
  check: () =>
    Promise.reject(new CoffreError('CONFIG_REFUSED', { facts: { at: 'jwksUrl', expected: 'jwks' } })),
  fetch: () => Promise.reject(new CoffreError('SERVER_UNREACHABLE', { facts: { at: 'jwksUrl' } })),
}

export interface LoginServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly tokens: TokenService
  readonly users: UserService
  readonly documents: IssuerDocuments
}

/** What was proven: claims that the role's bound claims are compared with, and whose they are. */
interface Proof {
  readonly claims: Readonly<Record<string, unknown>>
  readonly subject: string
}

/** Tokens for who proves to be somebody elsewhere: the holder of a JWT or of a client certificate. */
export class LoginService {
  readonly #parts: LoginServiceParts
  readonly #keySets: KeySetCache

  constructor(parts: LoginServiceParts) {
    this.#parts = parts
    this.#keySets = new KeySetCache(parts.documents.fetch, parts.clock)
  }

  async createRole(caller: Caller, request: CreateLoginRoleRequest): Promise<LoginRoleView> {
    const { store, trail, clock, documents } = this.#parts
    await authorize(trail, caller, 'login.change')
    const { name, ...description } = request
    const { trust, policies } = parseLoginRole(description)
    if (trust !== undefined && 'url' in trust.keys) await documents.check(trust.keys.url)
    const { tenant } = caller.principal
    const document = JSON.stringify(description)
    const role: LoginRole = { tenant, name: parseLoginRoleName(name), document, createdAt: clock() }
    await store.transaction(async (tx) => {
      if ((await tx.listLoginRoles(tenant)).length >= MAX_LOGIN_ROLES) {
        throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'loginRoles', maximum: MAX_LOGIN_ROLES } })
      }
      for (const policy of policies) {
        if (policy !== 'default' && (await tx.findPolicy(tenant, policy)) === undefined) {
          throw new CoffreError('POLICY_NOT_FOUND')
        }
      }
      await tx.insertLoginRole(role)
      await trail.append(tx, [this.#change(caller, 'login-role.create', role)])
    })
    return viewRole(role)
  }

  async listRoles(caller: Caller): Promise<readonly LoginRoleView[]> {
    await authorize(this.#parts.trail, caller, 'login.read')
    return (await this.#parts.store.listLoginRoles(caller.principal.tenant)).map(viewRole)
  }

  /** Throws LOGIN_ROLE_NOT_FOUND. */
  async getRole(caller: Caller, name: string): Promise<LoginRoleView> {
    await authorize(this.#parts.trail, caller, 'login.read')
    const role = await this.#parts.store.findLoginRole(caller.principal.tenant, parseLoginRoleName(name))
    if (role === undefined) throw new CoffreError('LOGIN_ROLE_NOT_FOUND')
    return viewRole(role)
  }

  /** Throws LOGIN_ROLE_NOT_FOUND. */
  async deleteRole(caller: Caller, name: string): Promise<void> {
    const { store, trail } = this.#parts
    await authorize(trail, caller, 'login.change')
    const { tenant } = caller.principal
    await store.transaction(async (tx) => {
      const role = await tx.findLoginRole(tenant, parseLoginRoleName(name))
      if (role === undefined) throw new CoffreError('LOGIN_ROLE_NOT_FOUND')
      await tx.deleteLoginRole(tenant, role.name)
      await trail.append(tx, [this.#change(caller, 'login-role.delete', role)])
    })
  }

  withJwt(caller: Caller, request: JwtLoginRequest): Promise<CreatedToken> {
    return this.#login(caller, request, {
      method: 'jwt',
      prove: async ({ trust }) => {
        const head = trust === undefined ? undefined : readJwtHead(request.jwt, trust)
        const keys =
          trust === undefined || head === undefined ? undefined : await this.#keySets.find(trust.keys, head)
        if (trust === undefined || keys === undefined) return undefined
        const claims = await judgeJwt(request.jwt, trust, { keys, now: this.#parts.clock() })
        const subject = claims?.['sub']
        return claims === undefined
          ? undefined
          : { claims, subject: typeof subject === 'string' ? subject : '' }
      },
    })
  }

  /** `certificate`: the DER that the TLS layer verified against the CA of this server; absent without one. */
  withCertificate(
    caller: Caller,
    request: LoginRequest,
    certificate: Uint8Array | undefined,
  ): Promise<CreatedToken> {
    return this.#login(caller, request, {
      method: 'certificate',
      prove: () => {
        const claims =
          certificate === undefined ? undefined : readClientCertificate(certificate, this.#parts.clock())
        const proof =
          claims === undefined ? undefined : { claims: { ...claims }, subject: [claims.cn].flat()[0] ?? '' }
        return Promise.resolve(proof)
      },
    })
  }

  /** An hour's token of a user; the caller is anonymous, and the secret is its credential. */
  async withClient(caller: Caller, request: ClientLoginRequest): Promise<CreatedToken> {
    const { clientId, clientSecret, tenant } = request
    const user = await this.#parts.users.authenticate(
      { clientId, secret: revealText(clientSecret), tenant },
      caller,
    )
    const asked = { name: 'login client', role: 'user', ttlSeconds: CLIENT_TTL_SECONDS } as const
    const principal = { ...caller.principal, tenant: user.tenant }
    return this.#parts.tokens.issue(asked, {
      by: { principal, requestId: caller.requestId },
      tenant: user.tenant,
      policies: [],
      user: user.id,
      detail: { method: 'client' },
    })
  }

  /**
   * One answer for every failure: no such tenant or role, another method, no proof, other claims. Failures are bounded
   * and recorded as wrong tokens are.
   */
  async #login(
    caller: Caller,
    request: LoginRequest,
    way: { readonly method: LoginMethod; prove(rule: LoginRule): Promise<Proof | undefined> },
  ): Promise<CreatedToken> {
    const role = await this.#findRole(request)
    const rule = role === undefined ? undefined : parseLoginRole(readDocument(role))
    const proof = rule?.method === way.method ? await way.prove(rule) : undefined
    if (
      role === undefined ||
      rule === undefined ||
      proof === undefined ||
      !matchesClaims(proof.claims, rule.boundClaims)
    ) {
      return this.#fail(caller)
    }
    const holder = await this.#findHolder(role.tenant, rule, proof)
    if (rule.role === 'user' && holder.user === undefined) return this.#fail(caller)
    const { maxUses, ttlSeconds, policies } = rule
    const uses = maxUses === undefined ? {} : { maxUses }
    const asked = {
      name: `login ${role.name}`,
      description: readable(proof.subject),
      role: rule.role,
      ttlSeconds,
      ...uses,
    }
    const detail = { login: role.name, method: way.method }
    const principal = { ...caller.principal, tenant: role.tenant }
    const by = { principal, requestId: caller.requestId }
    return this.#parts.tokens.issue(asked, { by, tenant: role.tenant, policies, ...holder, detail })
  }

  /** A role that gives tokens of users gives each to the one whom the subject names. */
  async #findHolder(tenant: TenantId, rule: LoginRule, proof: Proof): Promise<Pick<Issue, 'user'>> {
    if (rule.role !== 'user') return {}
    const user = await findUserNamed(this.#parts.store, tenant, proof.subject)
    return user === undefined ? {} : { user: user.id }
  }

  async #fail(caller: Caller): Promise<never> {
    await this.#parts.tokens.noteFailure(caller)
    throw new CoffreError('UNAUTHENTICATED')
  }

  /** A name that cannot be one is as absent as one that is not there. */
  async #findRole(request: LoginRequest): Promise<LoginRole | undefined> {
    try {
      const tenant: TenantId = request.tenant === undefined ? DEFAULT_TENANT : parseTenantId(request.tenant)
      return await this.#parts.store.findLoginRole(tenant, parseLoginRoleName(request.role))
    } catch (error) {
      if (hasCode(error, 'INVALID_REQUEST')) return undefined
      throw error
    }
  }

  #change(
    { principal, requestId }: Caller,
    action: 'login-role.create' | 'login-role.delete',
    { name }: LoginRole,
  ) {
    return { action, principal, requestId, outcome: 'ok', detail: { loginRole: name } } as const
  }
}

function readDocument(role: LoginRole): LoginRoleDescription {
  // Whatever it holds, parseLoginRole judges it again.
  return JSON.parse(role.document)
}

function viewRole(role: LoginRole): LoginRoleView {
  return { ...readDocument(role), name: role.name, createdAt: formatInstant(role.createdAt) }
}

/** A subject is the issuer's word: shown in token lists, so short and without control characters. */
function readable(subject: string): string {
  return subject.toWellFormed().replaceAll(/\p{C}/gu, '').slice(0, MAX_TEXT_CHARACTERS).toWellFormed()
}
