import type {
  Audit,
  AuditRecordView,
  AuditVerification,
  CheckpointView,
  ConsistencyProof,
  InclusionProof,
  VerifierKeyView,
} from '../model/audit.ts'
import * as shape from './answer-shape.ts'
import type { Connection } from './connection.ts'
import { formatQuery } from './remote-keys.ts'

/** The whole log is read and hashed before the answer. */
const VERIFY_TIMEOUT = 600_000

export function remoteAudit(
  connection: Connection,
  options: { readonly timeoutMilliseconds?: number },
): Audit {
  const timeoutMilliseconds = Math.max(options.timeoutMilliseconds ?? 0, VERIFY_TIMEOUT)
  return {
    list: async ({ from, limit, last } = {}) => {
      const path = `/audit/records${formatQuery({ from, limit, last })}`
      const answer = await connection.send({ method: 'GET', path })
      return shape.parseList<AuditRecordView>(answer, 'records', shape.RECORD_SHAPE)
    },
    verify: async (asked = {}) => {
      const path = '/audit/verify'
      const answer = await connection.send(
        asked.checkpoint === undefined
          ? { method: 'GET', path, timeoutMilliseconds }
          : { method: 'POST', path, body: asked, timeoutMilliseconds },
      )
      return shape.parseAnswer<AuditVerification>(answer, shape.VERIFICATION_SHAPE)
    },
    checkpoint: async () =>
      parseCheckpoint(await connection.send({ method: 'GET', path: '/audit/checkpoint' })),
    // A first one recomputes the whole log.
    writeCheckpoint: async () => {
      const call = { method: 'POST', path: '/audit/checkpoint', body: {}, timeoutMilliseconds } as const
      return parseCheckpoint(await connection.send(call))
    },
    verifierKeys: async () =>
      parseKeys(await connection.send({ method: 'GET', path: '/audit/verifier-keys' })),
    rotateSigningKey: async () =>
      parseKeys(await connection.send({ method: 'POST', path: '/audit/signing-key/rotate', body: {} })),
    proveInclusion: async (index, { size } = {}) => {
      const path = `/audit/proof/inclusion${formatQuery({ index, size })}`
      return shape.parseAnswer<InclusionProof>(
        await connection.send({ method: 'GET', path }),
        shape.INCLUSION_SHAPE,
      )
    },
    proveConsistency: async (from, to) => {
      const path = `/audit/proof/consistency${formatQuery({ from, to })}`
      const answer = await connection.send({ method: 'GET', path })
      return shape.parseAnswer<ConsistencyProof>(answer, shape.CONSISTENCY_SHAPE)
    },
  }
}

function parseCheckpoint(answer: unknown): CheckpointView {
  return shape.parseAnswer<CheckpointView>(answer, shape.CHECKPOINT_SHAPE)
}

function parseKeys(answer: unknown): readonly VerifierKeyView[] {
  return shape.parseList<VerifierKeyView>(answer, 'keys', shape.VERIFIER_KEY_SHAPE)
}
