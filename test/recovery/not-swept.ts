import type { AuditAction } from '../../src/model/audit-event.ts'

const AS_SIGN = 'the path of `sign and verify`: the key is read, one record is kept'
const AS_ENCRYPT = 'the path of `encrypt`: the key is read, one record is kept'
const AS_CACHE =
  'cache-kill.test.ts: it needs a cache server; the row of the user changes as in `user rotate-secret`'
const ONLY_A_RECORD = 'nothing is stored but its record'

/** Every audited action that the n-th call sweep does not take through every call, and why not. */
export const NOT_SWEPT: Partial<Record<AuditAction, string>> = {
  'coffre.init': 'sweep-init.ts: it needs a new store for each call',
  'ceremony.begin': 'the first step of `rekey` and `rotate root`',
  'ceremony.authorize': 'the second step of `rekey` and `rotate root`',
  'ceremony.collect': ONLY_A_RECORD,
  'ceremony.cancel': ONLY_A_RECORD,
  'ceremony.take-over': ONLY_A_RECORD,
  'root.rewrap': 'a part of `rotate root`',
  'root.retire': 'a part of `rotate root`',
  'key.import-params': ONLY_A_RECORD,
  'data.verify': 'a part of `sign and verify`',
  'data.mac': AS_SIGN,
  'data.verify-mac': AS_SIGN,
  'data.derive-key': AS_SIGN,
  'data.diagnose': ONLY_A_RECORD,
  'data.encrypt-stream': AS_ENCRYPT,
  'data.decrypt-stream': AS_ENCRYPT,
  'data.decrypt-range': AS_ENCRYPT,
  'cache.create-key': AS_CACHE,
  'cache.note-source': AS_CACHE,
  'cache.rekey': AS_CACHE,
  'cache.migrate': AS_CACHE,
  'cache.purge': ONLY_A_RECORD,
  'cache.erase': AS_CACHE,
  'cache.tamper': ONLY_A_RECORD,
  'api-key.test': ONLY_A_RECORD,
  'api-key.use': ONLY_A_RECORD,
  'backup.create': ONLY_A_RECORD,
  'backup.verify': ONLY_A_RECORD,
  'backup.restore': ONLY_A_RECORD,
  'backup.drill': ONLY_A_RECORD,
  'backup.prune': ONLY_A_RECORD,
  'backup.rekey': ONLY_A_RECORD,
  'backup.recovery-key': ONLY_A_RECORD,
  'access.refused': ONLY_A_RECORD,
  'access.unauthenticated': ONLY_A_RECORD,
  'audit.accept-restore': 'audit-rollback.test.ts: it needs a log that was put back',
  'audit.copy-lost': 'audit-rollback.test.ts: it needs a copy that was lost',
}
