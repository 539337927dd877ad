import type { Clock } from '../../model/clock.ts'
import type { PolicyTestRequest, PolicyTestResult } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { type KeyName, parseKeyName, parseTokenId } from '../../model/ids.ts'
import { KEY_OPERATIONS, type KeyOperation, type KeyPermission } from '../../model/policy.ts'
import { isRole, type Token } from '../../model/token.ts'
import type { ReadStore } from '../../store/store.ts'
import { isGranted, type Permission } from '../access/permission.ts'
import { isWithin } from '../access/token-scope.ts'
import { readPolicyNames } from '../access/token-request.ts'
import type { Caller } from '../caller.ts'
import { readContext } from '../data/input.ts'
import type { GuardedKey } from './access.ts'
import type { PolicyCache } from './policy-cache.ts'
import { Reach } from './reach.ts'

export interface PolicyTestParts {
  readonly store: ReadStore
  readonly clock: Clock
  readonly cache: PolicyCache
}

type Subject = Pick<Token, 'tenant' | 'role' | 'policies' | 'expiresAt' | 'revokedAt'>

/** Decides as the real path does, by the same compiled policies, and does nothing. */
export async function testPolicy(
  parts: PolicyTestParts,
  caller: Caller,
  request: PolicyTestRequest,
): Promise<PolicyTestResult> {
  const operation = readOperation(request.operation)
  const name = parseKeyName(request.key)
  const context = readContext(request.context)
  const subject = await findSubject(parts.store, caller, request)
  const found = await findKey(parts.store, caller, name)
  const answer = (reason: PolicyTestResult['reason'], rules: PolicyTestResult['rules'] = []) => ({
    allowed: reason === 'rule' || reason === 'unconfined',
    reason,
    rules,
    keyExists: found !== undefined,
  })
  if (!isLive(subject, parts.clock)) return answer('token')
  if (!isGranted(subject.role, permissionOf(operation))) return answer('role')
  const access = await parts.cache.accessOf(subject)
  if (!access.isConfined) return answer('unconfined')
  if (operation === 'data.random') return answer(access.hasOperation(operation) ? 'rule' : 'no-rule')
  const judgement = access.judge(operation, found ?? { name, labels: { tags: {} } })
  if (judgement === 'hidden') return answer('no-rule')
  if (judgement === 'forbidden') return answer('operation')
  return answer(judgement.admits(context) ? 'rule' : 'context', judgement.rules)
}

function permissionOf(operation: KeyOperation): Permission {
  return isKeyPermission(operation) ? operation : 'data.use'
}

function isKeyPermission(operation: KeyOperation): operation is KeyPermission {
  return operation.startsWith('key.')
}

function readOperation(value: unknown): KeyOperation {
  const known = KEY_OPERATIONS.find((operation) => operation === value)
  return known ?? refuse('operation', KEY_OPERATIONS.join(', '))
}

/** A token of the caller's tenant, or one that could be made. */
async function findSubject(store: ReadStore, caller: Caller, request: PolicyTestRequest): Promise<Subject> {
  const { tenant } = caller.principal
  const { token: id, role, policies = [] } = request
  if (id !== undefined) {
    if (role !== undefined || policies.length > 0) refuse('token', 'alone, without role and policies')
    const token = await store.findToken(parseTokenId(id))
    if (token?.tenant !== tenant || !isWithin(caller, token.policies))
      throw new CoffreError('TOKEN_NOT_FOUND')
    return token
  }
  if (!isRole(role)) return refuse('role', 'a role, or a token instead')
  return { tenant, role, policies: readPolicyNames(policies) }
}

/** As far as the caller may know of it. */
async function findKey(store: ReadStore, caller: Caller, name: KeyName): Promise<GuardedKey | undefined> {
  const reach = new Reach(caller, 'key.read')
  const key = await store.findKey(reach.tenant, name)
  return key !== undefined && reach.allows(key) ? key : undefined
}

function isLive({ expiresAt, revokedAt }: Subject, clock: Clock): boolean {
  return revokedAt === undefined && (expiresAt ?? Infinity) > clock()
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}
