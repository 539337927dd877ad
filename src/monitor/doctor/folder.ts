import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Audit } from '../../model/audit.ts'
import type { BackupScheduleView } from '../../model/backup-schedule.ts'
import { type Instant, toInstant } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { SchemaFacts, ServerFacts } from '../../store/store.ts'
import type { Finding } from './finding.ts'
import type { BackupsView } from './judge-backups.ts'
import { examineInstallation, type RuntimeFacts } from './installation.ts'
import type { FernetView, LogFacts, StoreView } from './judge-store.ts'

export interface FolderRequest {
  readonly dataDir: string
  /** Mends modes, and nothing else. */
  readonly fix: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface FolderParts {
  readonly now: Instant
  readonly runtime: RuntimeFacts
  /** Throws STORE_IN_USE and NOT_INITIALISED. */
  readonly openLog: () => Promise<Audit & { close(): Promise<void> }>
  /** Throws CONFIG_REFUSED where a start with these settings would. */
  readonly requireFernetKeys: () => Promise<void>
  readonly readCertificate: (pem: string) => { readonly notAfter: Instant } | undefined
  /** Of the file in the folder; `undefined` where there is none. */
  readonly examineFile: () => Promise<(SchemaFacts & { readonly check: string }) | undefined>
  /** Where backups are declared. Throws CONFIG_REFUSED and STORE_IN_USE. */
  readonly readBackups?: () => Promise<readonly BackupScheduleView[]>
  /** Where the store is in a database. */
  readonly examineServer?: () => Promise<SchemaFacts & ServerFacts>
}

/** Looks at the installation that a folder and the settings of an environment describe. */
export async function examine(request: FolderRequest, parts: FolderParts): Promise<readonly Finding[]> {
  const { dataDir, fix, environment } = request
  const tls = environment['COFFRE_TLS_CERT'] ?? ''
  const pem = tls === '' ? undefined : await readFile(tls, 'latin1').catch(() => '')
  const database = await parts.examineServer?.().catch(() => 'unreachable' as const)
  return examineInstallation({
    dataDir,
    fix,
    now: parts.now,
    runtime: parts.runtime,
    sealKeyFile: environment['COFFRE_SEAL_KEY_PATH'] || join(dataDir, 'seal.key'),
    ...(pem === undefined ? {} : { certificate: parts.readCertificate(pem) ?? 'unreadable' }),
    ...(database === undefined ? {} : { database }),
    store: await examineStore(parts, database),
    ...(parts.readBackups === undefined ? {} : { backups: await examineBackups(parts.readBackups) }),
  })
}

async function examineBackups(
  readBackups: () => Promise<readonly BackupScheduleView[]>,
): Promise<BackupsView> {
  try {
    return await readBackups()
  } catch (error) {
    if (hasCode(error, 'STORE_IN_USE')) return 'in-use'
    if (hasCode(error, 'CONFIG_REFUSED')) return 'unreadable'
    // What is wrong with the store stands among its own findings.
    return []
  }
}

/** An old schema is not looked into: opening it would migrate it. */
async function examineStore(
  parts: FolderParts,
  database: (SchemaFacts & ServerFacts) | 'unreachable' | undefined,
): Promise<StoreView> {
  if (database === 'unreachable') return { state: 'refused' }
  const file = database === undefined ? await parts.examineFile().catch(() => undefined) : undefined
  const { schema, newest } = database ?? file ?? {}
  const facts = {
    ...(file === undefined ? {} : { check: file.check }),
    ...(schema === undefined ? {} : { schema }),
    ...(newest === undefined ? {} : { newest }),
  }
  if (schema !== undefined && newest !== undefined && schema < newest) return { state: 'open', ...facts }
  try {
    const log = await readLog(parts)
    return { state: 'open', ...facts, log, fernet: await examineFernet(parts) }
  } catch (error) {
    if (hasCode(error, 'STORE_IN_USE')) return { state: 'in-use', ...facts }
    if (hasCode(error, 'NOT_INITIALISED')) return { state: 'absent' }
    return { state: 'refused', ...facts }
  }
}

async function examineFernet({ requireFernetKeys }: FolderParts): Promise<FernetView> {
  try {
    await requireFernetKeys()
    return { isKnown: true }
  } catch (error) {
    if (!(error instanceof CoffreError) || error.code !== 'CONFIG_REFUSED') throw error
    const [[setting, expected] = ['', '']] = Object.entries(error.facts)
    return { isKnown: false, setting, expected: String(expected) }
  }
}

async function readLog({ openLog }: FolderParts): Promise<LogFacts> {
  const log = await openLog()
  try {
    const { valid, reason, firstBadIndex, findings } = await log.verify()
    // Of a damaged log the last record may not be readable.
    const [last] = valid ? await log.list({ last: 1 }) : []
    return {
      valid,
      findings,
      ...(reason === undefined ? {} : { reason }),
      ...(firstBadIndex === undefined ? {} : { firstBadIndex }),
      ...(last === undefined ? {} : { lastRecordAt: toInstant(Date.parse(last.at)) }),
    }
  } finally {
    await log.close()
  }
}
