import type { Audit, InclusionProof } from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import { DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import { authorize } from './access/authorize.ts'
import type { AuditReader } from './audit-trail.ts'
import type { Caller } from './caller.ts'
import { listRecords } from './list-records.ts'
import type { Core } from './operator/core.ts'
import { requireOwnPublicKeys, rotateLogKey } from './operator/log-signer.ts'

/** `Audit` of model/coffre.ts for one caller. */
export function callerAudit(core: Core, caller: Caller): Audit {
  const { audit, checkpoints, trail } = core
  const { tenant } = caller.principal
  const mayRead = () => authorize(trail, caller, 'audit.read')
  const mayChange = () => authorize(trail, caller, 'operator.change')
  /** So that a proof can name the newest records too; while sealed there is no key to sign with. */
  const cover = async (size: number) => {
    const [signed, written] = [await newestSize(core), await audit.size()]
    if (size > signed && size <= written) await checkpoints.write()
  }
  return {
    list: async (query = {}) => {
      await mayRead()
      return listRecords(audit, query, tenant)
    },
    verify: async (options) => {
      await mayRead()
      return audit.verify(options)
    },
    checkpoint: async () => {
      await mayRead()
      return audit.checkpoint()
    },
    writeCheckpoint: async () => {
      await mayChange()
      if ((await checkpoints.write()) === undefined) throw new CoffreError('SEALED')
      return audit.checkpoint()
    },
    // Public, as /status is: a verifier key that only some may see proves nothing to the others.
    verifierKeys: async () => {
      if (!core.isSealed) await requireOwnPublicKeys(core.keys)
      return audit.verifierKeys()
    },
    rotateSigningKey: async () => {
      await mayChange()
      await rotateLogKey(core.keys, caller)
      await checkpoints.write()
      return audit.verifierKeys()
    },
    proveInclusion: async (index, options = {}) => {
      await mayRead()
      if (options.size === undefined) await cover(index + 1)
      return requireOwn(await audit.proveInclusion(index, options.size), tenant)
    },
    proveConsistency: async (from, to) => {
      await mayRead()
      if (to === undefined) await cover(from)
      return audit.proveConsistency(from, to)
    },
  }
}

/** For a folder without its root key: nothing is authorized, recorded or signed. */
export function readOnlyAudit(audit: AuditReader): Audit {
  const refuse = () => Promise.reject(new CoffreError('SEALED'))
  return {
    list: (query = {}) => listRecords(audit, query, DEFAULT_TENANT),
    verify: (options) => audit.verify(options),
    checkpoint: () => audit.checkpoint(),
    verifierKeys: () => audit.verifierKeys(),
    proveInclusion: (index, options = {}) => audit.proveInclusion(index, options.size),
    proveConsistency: (from, to) => audit.proveConsistency(from, to),
    writeCheckpoint: refuse,
    rotateSigningKey: refuse,
  }
}

/** Records of other tenants are as if they were not there; `default` sees all, as in the list. */
function requireOwn(proof: InclusionProof, tenant: TenantId): InclusionProof {
  const record: unknown = JSON.parse(proof.body)
  const owner =
    typeof record === 'object' && record !== null && 'tenant' in record ? record.tenant : undefined
  if (tenant !== DEFAULT_TENANT && owner !== tenant)
    throw new CoffreError('NOT_FOUND', { facts: { at: 'index' } })
  return proof
}

async function newestSize(core: Core): Promise<number> {
  const [newest] = await core.store.readCheckpoints(1)
  return newest?.size ?? -1
}
