import { rootHash } from '../crypto/merkle.ts'
import type { Checkpoint } from '../crypto/transparency/checkpoint.ts'
import { parseVerifierKey } from '../crypto/transparency/signed-note.ts'
import type { AuditVerification } from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import { LogCheck, type LogFault } from './check-log.ts'
import { readSigned } from './check-proof.ts'
import { findDisagreement } from './vouching.ts'

export interface VerifyExportOptions {
  /** A signed note; without one only the log's agreement with itself is shown. */
  readonly checkpoint?: string
  readonly verifierKeys?: readonly string[]
}

/**
 * Verifies an exported log by itself, without any Coffre: `lines` are the bodies of its records from 0 on, in
 * groups. Memory does not grow with the log.
 */
export async function verifyExport(
  groups: AsyncIterable<readonly string[]>,
  options: VerifyExportOptions = {},
): Promise<AuditVerification> {
  const given = readGiven(options)
  const roots = new Map<number, Uint8Array>()
  const check = new LogCheck({
    sizes: given.map(({ size }) => size),
    onRoot: (size, root) => roots.set(size, root),
  })
  let fault: LogFault | undefined
  for await (const bodies of groups) {
    const from = check.frontier.size
    fault = check.add(bodies.map((body, offset) => ({ index: from + offset, body })))
    if (fault !== undefined) break
  }
  const { size } = check.frontier
  const head = { size, rootHash: rootHash(check.frontier) }
  fault ??= findDisagreement({ head, origin: undefined, roots, vouching: given })
  const answer = { size, rootHash: Buffer.from(head.rootHash).toString('hex') }
  if (fault === undefined) {
    const [signed] = given
    return signed === undefined
      ? { valid: true, ...answer, findings: ['unsigned'] }
      : { valid: true, ...answer, signedSize: signed.size, findings: [] }
  }
  const { index, reason } = fault
  return {
    valid: false,
    ...answer,
    reason,
    ...(index === undefined ? {} : { firstBadIndex: index }),
    findings: [],
  }
}

function readGiven({ checkpoint, verifierKeys = [] }: VerifyExportOptions): readonly Checkpoint[] {
  if (checkpoint === undefined) return []
  const keys = verifierKeys.map((text) => {
    const key = parseVerifierKey(text)
    if (key === undefined) throw new CoffreError('INVALID_REQUEST', { facts: { at: 'verifierKeys' } })
    return key
  })
  return [readSigned(checkpoint, keys, 'checkpoint')]
}
