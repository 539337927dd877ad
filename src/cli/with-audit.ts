import type { Audit } from '../model/audit.ts'
import { chooseDatabase } from './input/store-setting.ts'
import type { Invocation } from './invocation.ts'
import { choosePlace } from './place.ts'
import { connect } from './with-coffre.ts'

/** A folder's log is read without its root key: it must be readable when nothing else is any more. */
export async function withAudit<Result>(
  invocation: Invocation,
  work: (audit: Audit) => Promise<Result>,
): Promise<Result> {
  const place = choosePlace(invocation.options, invocation.terminal.environment)
  if (place.kind === 'server') return work((await connect(invocation, place.address)).audit)
  const { openAuditLog } = await import('../app.ts')
  const log = await openAuditLog({ dataDir: place.dataDir, ...(await chooseDatabase(invocation)) })
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}
