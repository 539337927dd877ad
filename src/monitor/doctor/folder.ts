import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Instant, toInstant } from '../../model/clock.ts'
import type { Audit } from '../../model/audit.ts'
import { hasCode } from '../../model/errors.ts'
import { examineInstallation, type Finding, type StoreFacts } from './installation.ts'

export interface FolderRequest {
  readonly dataDir: string
  /** Mends modes, and nothing else. */
  readonly fix: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface FolderParts {
  readonly now: Instant
  /** Throws STORE_IN_USE and NOT_INITIALISED. */
  readonly openLog: () => Promise<Audit & { close(): Promise<void> }>
  readonly readCertificate: (pem: string) => { readonly notAfter: Instant } | undefined
}

/** Looks at the installation that a folder and the settings of an environment describe. */
export async function examine(request: FolderRequest, parts: FolderParts): Promise<readonly Finding[]> {
  const { dataDir, fix, environment } = request
  const tls = environment['COFFRE_TLS_CERT'] ?? ''
  const pem = tls === '' ? undefined : await readFile(tls, 'latin1').catch(() => '')
  return examineInstallation({
    dataDir,
    fix,
    now: parts.now,
    sealKeyFile: environment['COFFRE_SEAL_KEY_PATH'] || join(dataDir, 'seal.key'),
    ...(pem === undefined ? {} : { certificate: parts.readCertificate(pem) ?? 'unreadable' }),
    store: await examineStore(parts),
  })
}

async function examineStore({ openLog }: FolderParts): Promise<StoreFacts | 'in-use' | 'absent'> {
  try {
    const log = await openLog()
    try {
      const { valid, firstBadIndex } = await log.verify()
      const [last] = await log.list({ last: 1 })
      return {
        auditValid: valid,
        ...(firstBadIndex === undefined ? {} : { firstBadIndex }),
        ...(last === undefined ? {} : { lastRecordAt: toInstant(Date.parse(last.at)) }),
      }
    } finally {
      await log.close()
    }
  } catch (error) {
    if (hasCode(error, 'STORE_IN_USE')) return 'in-use'
    if (hasCode(error, 'NOT_INITIALISED')) return 'absent'
    throw error
  }
}
