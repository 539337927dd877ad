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
import { MAX_BATCH_ITEMS } from '../../model/limits.ts'
import { authorize, refuse } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { isOutsidePolicy, Reach } from '../policy/reach.ts'
import { Batch, type Outcome } from './batch.ts'
import type { DataKeys } from './data-keys.ts'
import { deriveKeys } from './derive.ts'
import { Protect } from './protect.ts'
import { Read } from './read.ts'

type Run<Name extends DataOperationName> = (
  reach: Reach,
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
      encrypt: (reach, items) => protect.encrypt(reach, items),
      decrypt: (reach, items) => read.decrypt(reach, items),
      rewrap: (reach, items) => rewrap({ read, protect }, reach, items),
      sign: (reach, items) => protect.sign(reach, items),
      verify: (reach, items) => read.verify(reach, items),
      mac: (reach, items) => protect.mac(reach, items),
      'verify-mac': (reach, items) => read.verifyMac(reach, items),
      'data-key': (reach, items) => protect.dataKey(reach, items),
      'derive-key': (reach, items) => deriveKeys(parts.keys, reach, items),
      random: async (_reach, items) => protect.random(items),
    }
  }

  /** Throws for the whole (not allowed, too many, not recorded); an item's own failure is its outcome. */
  async run<Name extends DataOperationName>(
    caller: Caller,
    operation: Name,
    items: readonly DataOperations[Name]['request'][],
  ): Promise<readonly Outcome<DataOperations[Name]['result']>[]> {
    await authorize(this.#trail, caller, 'data.use')
    const permission = `data.${operation}` as const
    // It names no key that a policy could be asked about.
    if (operation === 'random' && !caller.access.hasOperation(permission)) {
      await refuse(this.#trail, caller, permission)
    }
    if (items.length > MAX_BATCH_ITEMS) {
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'items', maximum: MAX_BATCH_ITEMS } })
    }
    if (items.length === 0) return []
    const batch = await this.#runs[operation](new Reach(caller, permission), items)
    await this.#record(caller, permission, batch)
    return batch.outcomes
  }

  async #record(caller: Caller, action: AuditAction, batch: Batch<unknown>): Promise<void> {
    const errors = batch.outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
    const [first] = errors
    const outside = errors.filter(isOutsidePolicy).length
    const outcome = first === undefined ? 'ok' : errors.length < batch.outcomes.length ? 'partial' : 'refused'
    await this.#trail.commit({
      action,
      principal: caller.principal,
      requestId: caller.requestId,
      outcome,
      ...(first === undefined ? {} : { code: first.code, failed: errors.length }),
      ...(outside === 0 ? {} : { detail: { outsidePolicy: outside } }),
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
  reach: Reach,
  items: readonly RewrapRequest[],
): Promise<Batch<Encrypted>> {
  const opened = await parts.read.decrypt(reach, items)
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
    await sealAgain(staying, batch, (requests) => parts.protect.encrypt(reach, requests, ['encrypt', 'wrap']))
    await sealAgain(moving, batch, (requests) => parts.protect.encrypt(reach, requests))
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
