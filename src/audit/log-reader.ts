import { parseCheckpoint } from '../crypto/transparency/checkpoint.ts'
import type {
  AuditRecordView,
  AuditVerification,
  AuditVerifyOptions,
  CheckpointView,
  ConsistencyProof,
  InclusionProof,
  VerifierKeyView,
} from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import type { TenantId } from '../model/ids.ts'
import type { Store, StoredCheckpoint } from '../store/store.ts'
import type { CheckpointCopy } from './checkpoint/checkpoint-copy.ts'
import { listVerifierKeys } from './checkpoint/signing-key.ts'
import { proveConsistency, proveInclusion } from './prove-log.ts'
import { readLog, readLogOf } from './read-log.ts'
import { verifyLog } from './verify-log.ts'

/** Everything that reads the log. None of it needs the root key. */
export class LogReader {
  readonly #store: Store
  readonly #copy: CheckpointCopy | undefined

  constructor(store: Store, copy?: CheckpointCopy) {
    this.#store = store
    this.#copy = copy
  }

  async size(): Promise<number> {
    return (await this.#store.readAuditHead()).size
  }

  list(from: number, limit: number): Promise<readonly AuditRecordView[]> {
    return readLog(this.#store, from, limit)
  }

  listOf(
    tenant: TenantId,
    query: { readonly from?: number; readonly limit: number },
  ): Promise<readonly AuditRecordView[]> {
    return readLogOf(this.#store, tenant, query)
  }

  verify(options: AuditVerifyOptions = {}): Promise<AuditVerification> {
    return verifyLog(this.#store, this.#copy === undefined ? options : { ...options, copy: this.#copy })
  }

  async checkpoint(): Promise<CheckpointView> {
    const [newest] = await this.#store.readCheckpoints(1)
    if (newest === undefined) throw new CoffreError('NOT_FOUND', { facts: { at: 'checkpoint' } })
    return viewCheckpoint(newest)
  }

  verifierKeys(): Promise<readonly VerifierKeyView[]> {
    return listVerifierKeys(this.#store)
  }

  proveInclusion(index: number, size?: number): Promise<InclusionProof> {
    return proveInclusion(this.#store, index, size)
  }

  proveConsistency(from: number, to?: number): Promise<ConsistencyProof> {
    return proveConsistency(this.#store, from, to)
  }
}

function viewCheckpoint({ size, note }: StoredCheckpoint): CheckpointView {
  const parsed = parseCheckpoint(note)
  if (parsed === undefined) throw new CoffreError('AUDIT_DAMAGED', { facts: { part: 'checkpoint' } })
  const { origin, rootHash } = parsed.checkpoint
  return { origin, size, rootHash: Buffer.from(rootHash).toString('hex'), note }
}
