import type { AuditAction } from '../../model/audit-event.ts'
import type {
  DataOperationName,
  DataOperations,
  Decrypted,
  Encrypted,
  EncryptRequest,
  RewrapRequest,
} from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import type { TenantId } from '../../model/ids.ts'
import { MAX_BATCH_ITEMS } from '../../model/limits.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { Batch, type Outcome } from './batch.ts'
import type { DataKeys } from './data-keys.ts'
import { deriveKeys } from './derive.ts'
import { Protect } from './protect.ts'
import { Read } from './read.ts'

type Run<Name extends DataOperationName> = (
  tenant: TenantId,
  items: readonly DataOperations[Name]['request'][],
) => Promise<Batch<DataOperations[Name]['result']>>

type Runs = { readonly [Name in DataOperationName]: Run<Name> }

export interface DataServiceParts {
  readonly trail: AuditTrail
  readonly keys: DataKeys
}

/** Every data operation is a batch; a single one is a batch of one. Nothing is answered before it is recorded. */
export class DataService {
  readonly #trail: AuditTrail
  readonly #runs: Runs

  constructor(parts: DataServiceParts) {
    this.#trail = parts.trail
    const protect = new Protect(parts.keys)
    const read = new Read(parts.keys)
    this.#runs = {
      encrypt: (tenant, items) => protect.encrypt(tenant, items),
      decrypt: (tenant, items) => read.decrypt(tenant, items),
      rewrap: (tenant, items) => rewrap({ read, protect }, tenant, items),
      sign: (tenant, items) => protect.sign(tenant, items),
      verify: (tenant, items) => read.verify(tenant, items),
      mac: (tenant, items) => protect.mac(tenant, items),
      'verify-mac': (tenant, items) => read.verifyMac(tenant, items),
      'data-key': (tenant, items) => protect.dataKey(tenant, items),
      'derive-key': (tenant, items) => deriveKeys(parts.keys, tenant, items),
      random: async (_tenant, items) => protect.random(items),
    }
  }

  /** Throws for the whole (not allowed, too many, not recorded); an item's own failure is its outcome. */
  async run<Name extends DataOperationName>(
    caller: Caller,
    operation: Name,
    items: readonly DataOperations[Name]['request'][],
  ): Promise<readonly Outcome<DataOperations[Name]['result']>[]> {
    await authorize(this.#trail, caller, 'data.use')
    if (items.length > MAX_BATCH_ITEMS) {
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'items', maximum: MAX_BATCH_ITEMS } })
    }
    if (items.length === 0) return []
    const batch = await this.#runs[operation](caller.principal.tenant, items)
    await this.#record(caller, `data.${operation}`, batch)
    return batch.outcomes
  }

  async #record(caller: Caller, action: AuditAction, batch: Batch<unknown>): Promise<void> {
    const errors = batch.outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
    const [first] = errors
    const outcome = first === undefined ? 'ok' : errors.length < batch.outcomes.length ? 'partial' : 'refused'
    await this.#trail.commit({
      action,
      principal: caller.principal,
      requestId: caller.requestId,
      outcome,
      ...(first === undefined ? {} : { code: first.code, failed: errors.length }),
      ...(batch.uses.length === 0 ? {} : { uses: batch.uses }),
    })
  }
}

interface Reopened {
  readonly index: number
  readonly value: Decrypted
  readonly item: RewrapRequest
}

/** Decrypts and encrypts again; the plaintexts are wiped before anything is answered, also when it fails. */
async function rewrap(
  parts: { readonly read: Read; readonly protect: Protect },
  tenant: TenantId,
  items: readonly RewrapRequest[],
): Promise<Batch<Encrypted>> {
  const opened = await parts.read.decrypt(tenant, items)
  const batch = new Batch<Encrypted>(items.length)
  const again: Reopened[] = []
  for (const [index, item] of items.entries()) {
    const outcome = opened.outcomes[index]
    if (outcome !== undefined && 'value' in outcome) again.push({ index, value: outcome.value, item })
    else if (outcome !== undefined) batch.fail(index, outcome.error)
  }
  batch.addUses(opened)
  const [staying, moving] = [again.filter(staysUnderItsKey), again.filter((each) => !staysUnderItsKey(each))]
  try {
    // Only a data key comes out of a key that wraps, so only under that key may it go in again.
    await sealAgain(staying, batch, (requests) =>
      parts.protect.encrypt(tenant, requests, ['encrypt', 'wrap']),
    )
    await sealAgain(moving, batch, (requests) => parts.protect.encrypt(tenant, requests))
    return batch
  } finally {
    for (const { value } of again) value.plaintext.fill(0)
  }
}

function staysUnderItsKey({ value, item }: Reopened): boolean {
  return item.toKey === undefined || item.toKey === value.key
}

async function sealAgain(
  opened: readonly Reopened[],
  batch: Batch<Encrypted>,
  seal: (requests: readonly EncryptRequest[]) => Promise<Batch<Encrypted>>,
): Promise<void> {
  const sealed = await seal(opened.map(toEncryptRequest))
  for (const [offset, outcome] of sealed.outcomes.entries()) {
    const index = opened[offset]?.index ?? 0
    if ('value' in outcome) batch.succeed(index, outcome.value)
    else batch.fail(index, outcome.error)
  }
  batch.addUses(sealed)
}

function toEncryptRequest(opened: Reopened): EncryptRequest {
  const context = opened.item.toContext ?? opened.item.context
  return {
    key: opened.item.toKey ?? opened.value.key,
    plaintext: opened.value.plaintext,
    ...(context === undefined ? {} : { context }),
  }
}
