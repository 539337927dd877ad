import type { AuditEvent } from '../../model/audit-event.ts'
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
import type { Reliance } from '../../store/changes.ts'
import { authorize, refuse } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { ChangeFeed } from '../change-feed.ts'
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
  readonly changes: ChangeFeed
  /** The caller as of now; throws when its token no longer is one. */
  readonly recheckCaller: (caller: Caller) => Promise<Caller>
}

/** A key that changes between each look-up and its record is being changed by a loop. */
const MAX_ATTEMPTS = 3
type RecordedAs = Pick<AuditEvent, 'action' | 'detail'>

interface AskedOperation<Name extends DataOperationName> {
  readonly operation: Name
  readonly items: readonly DataOperations[Name]['request'][]
  readonly record: RecordedAs
}

/** Every data operation is a batch; a single one is a batch of one. Nothing is answered before it is recorded. */
export class DataService {
  readonly #parts: DataServiceParts
  readonly #runs: Runs

  constructor(parts: DataServiceParts) {
    this.#parts = parts
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
  run<Name extends DataOperationName>(
    caller: Caller,
    operation: Name,
    items: readonly DataOperations[Name]['request'][],
  ): Promise<readonly Outcome<DataOperations[Name]['result']>[]> {
    return this.runAs(caller, { operation, items, record: { action: `data.${operation}` } })
  }

  /** As `run`, for something of which the operation is a part: it is recorded under that name. */
  async runAs<Name extends DataOperationName>(
    caller: Caller,
    asked: AskedOperation<Name>,
  ): Promise<readonly Outcome<DataOperations[Name]['result']>[]> {
    const { operation, items, record } = asked
    if (items.length > MAX_BATCH_ITEMS) {
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'items', maximum: MAX_BATCH_ITEMS } })
    }
    const permission = `data.${operation}` as const
    await this.#parts.changes.start()
    let asking = caller
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      await this.#authorize(asking, permission)
      if (items.length === 0) return []
      const count = this.#parts.changes.position
      const batch = await this.#runs[operation](new Reach(asking, permission), items)
      const reliance = relyOn(batch, { caller: asking, count, isLast: attempt === MAX_ATTEMPTS })
      if (await this.#record(asking, record, { batch, reliance })) return batch.outcomes
      await this.#parts.changes.catchUp()
      asking = await this.#parts.recheckCaller(asking)
    }
    throw new CoffreError('CONFLICT')
  }

  async #authorize(caller: Caller, permission: `data.${DataOperationName}`): Promise<void> {
    await authorize(this.#parts.trail, caller, 'data.use')
    // It names no key that a policy could be asked about.
    if (permission === 'data.random' && !caller.access.hasOperation(permission)) {
      await refuse(this.#parts.trail, caller, permission)
    }
  }

  async #record(
    caller: Caller,
    record: RecordedAs,
    { batch, reliance }: { readonly batch: Batch<unknown>; readonly reliance: Reliance },
  ): Promise<boolean> {
    const errors = batch.outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
    const [first] = errors
    const outside = errors.filter(isOutsidePolicy).length
    const outcome = first === undefined ? 'ok' : errors.length < batch.outcomes.length ? 'partial' : 'refused'
    const { principal, requestId } = caller
    const event = {
      ...record,
      principal,
      requestId,
      outcome,
      ...(first === undefined ? {} : { code: first.code, failed: errors.length }),
      ...(outside === 0 ? {} : { detail: { ...record.detail, outsidePolicy: outside } }),
      ...(batch.uses.length === 0 ? {} : { uses: batch.uses }),
    } as const
    return this.#parts.trail.commit(event, reliance)
  }
}

/**
 * What changes this batch would have come out differently after. An item that failed may have failed for what another
 * process has changed by now, so it is tried once more, but not for ever.
 */
function relyOn(
  batch: Batch<unknown>,
  asked: { readonly caller: Caller; readonly count: number; readonly isLast: boolean },
): Reliance {
  const { caller, count, isLast } = asked
  const asOf = caller.asOf ?? count
  const mayImprove = !isLast && batch.outcomes.some((outcome) => 'error' in outcome)
  return {
    count: Math.min(asOf, count),
    isTouchedBy: ({ kind, id, epoch, seq }) => {
      if (kind === 'token') return id === caller.principal.id && seq > asOf
      if (kind === 'policy') return caller.access.isConfined && seq > asOf
      if (seq <= count || kind === 'root') return false
      return kind !== 'key' || mayImprove || batch.hasUsedBefore(id, epoch)
    },
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
