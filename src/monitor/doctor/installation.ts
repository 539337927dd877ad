import { constants } from 'node:fs'
import { access, chmod, readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY, type Instant } from '../../model/clock.ts'
import { type DatabaseView, judgeDatabase } from './judge-database.ts'
import { type BackupsView, judgeBackups } from './judge-backups.ts'
import { judgeStore, type StoreView } from './judge-store.ts'
import type { Finding } from './finding.ts'

export interface InstallationParts {
  readonly dataDir: string
  readonly sealKeyFile: string
  /** Mends modes, and nothing else. */
  readonly fix: boolean
  readonly now: Instant
  /** Of the TLS certificate that is configured, where one is. */
  readonly certificate?: { readonly notAfter: Instant } | 'unreadable'
  readonly runtime: RuntimeFacts
  readonly store: StoreView
  /** Where the store is in a database. */
  readonly database?: DatabaseView
  /** Where some are declared. */
  readonly backups?: BackupsView
}

export interface RuntimeFacts {
  readonly version: string
  readonly isSupported: boolean
}

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
const PRIVATE_FILES = ['coffre.db', 'coffre.db-wal', 'coffre.db-shm', 'seal.key', 'first-token'] as const
/** A first warning, and too little for a checkpoint of the write-ahead log. */
const LOW_BYTES = 1024 ** 3
const NO_BYTES = 64 * 1024 ** 2
const LOW_FILES = 1_000n
const CERTIFICATE_WARNING = 21 * DAY

/** Looks at everything that a Coffre in a folder stands on. Reads no secret. */
export async function examineInstallation(parts: InstallationParts): Promise<readonly Finding[]> {
  return [
    examineRuntime(parts.runtime),
    ...(await examineModes(parts)),
    await examineSealKey(parts),
    await examineFirstToken(parts),
    ...(await examineDisk(parts)),
    ...(parts.database === undefined ? [] : judgeDatabase(parts.database)),
    ...judgeStore(parts.store, parts.now),
    ...(parts.backups === undefined ? [] : judgeBackups(parts.backups)),
    ...examineCertificate(parts),
    await examineCoreDumps(),
    await examineSwap(),
  ]
}

function examineRuntime({ version, isSupported }: RuntimeFacts): Finding {
  const id = 'Node.js'
  if (isSupported) return { id, state: 'ok' }
  return { id, state: 'problem', cause: `${version} does not run Coffre`, next: 'npm install node@26' }
}

async function examineModes(parts: InstallationParts): Promise<readonly Finding[]> {
  const folder = await examineMode(parts, { path: parts.dataDir, mode: FOLDER_MODE, id: 'mode data folder' })
  const names = [...new Set([...PRIVATE_FILES.map((name) => join(parts.dataDir, name)), parts.sealKeyFile])]
  const files = await Promise.all(
    names.map((path) =>
      examineMode(parts, { path, mode: FILE_MODE, id: `mode ${path.slice(path.lastIndexOf('/') + 1)}` }),
    ),
  )
  return [
    folder ?? { id: 'mode data folder', state: 'problem', cause: 'it is not there', next: 'coffre init' },
    ...files.flatMap((each) => each ?? []),
  ]
}

async function examineMode(
  { fix }: InstallationParts,
  { path, mode, id }: { readonly path: string; readonly mode: number; readonly id: string },
): Promise<Finding | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  const shown = (found.mode & 0o777).toString(8)
  if ((found.mode & 0o777 & ~mode) === 0) return { id, state: 'ok' }
  const next = `chmod ${mode.toString(8)} ${path}`
  const isMended =
    fix &&
    (await chmod(path, mode).then(
      () => true,
      () => false,
    ))
  return isMended
    ? { id, state: 'ok', cause: `mode ${shown}`, fixed: true }
    : { id, state: 'problem', cause: `mode ${shown}: others can reach it`, next }
}

async function examineSealKey({ sealKeyFile }: InstallationParts): Promise<Finding> {
  const id = 'seal key'
  const found = await stat(sealKeyFile).catch(() => undefined)
  if (found === undefined)
    return { id, state: 'ok', cause: 'no key file: the environment, a passphrase or shares seal it' }
  const isReadable = await access(sealKeyFile, constants.R_OK).then(
    () => true,
    () => false,
  )
  return isReadable
    ? { id, state: 'ok' }
    : { id, state: 'problem', cause: 'this account cannot read it', next: `chown "$USER" ${sealKeyFile}` }
}

async function examineFirstToken({ dataDir }: InstallationParts): Promise<Finding> {
  const path = join(dataDir, 'first-token')
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return { id: 'first token', state: 'ok' }
  const next =
    'coffre token create NAME --role admin, then coffre token revoke of the first one, then rm the file'
  return {
    id: 'first token',
    state: 'warning',
    cause: 'the token of the first start still lies in the data folder',
    next,
  }
}

async function examineDisk({ dataDir }: InstallationParts): Promise<readonly Finding[]> {
  const found = await statfs(dataDir, { bigint: true }).catch(() => undefined)
  if (found === undefined) return []
  const free = Number(found.bavail * found.bsize)
  const shown = `${Math.floor(free / 1024 ** 2)} MiB free`
  const next = 'make room: without it every change, and every use, is refused'
  const state = free < NO_BYTES ? 'problem' : free < LOW_BYTES ? 'warning' : 'ok'
  const space: Finding =
    state === 'ok' ? { id: 'disk space', state } : { id: 'disk space', state, cause: shown, next }
  // File systems such as btrfs count no inodes.
  const isShort = found.files > 0n && found.ffree < LOW_FILES
  const inodes: Finding = isShort
    ? { id: 'inodes', state: 'warning', cause: `${found.ffree} free`, next }
    : { id: 'inodes', state: 'ok' }
  return [space, inodes]
}

function examineCertificate({ certificate, now }: InstallationParts): readonly Finding[] {
  if (certificate === undefined) return []
  const id = 'TLS certificate'
  if (certificate === 'unreadable')
    return [
      {
        id,
        state: 'problem',
        cause: 'COFFRE_TLS_CERT is no certificate that can be read',
        next: 'openssl x509 -in "$COFFRE_TLS_CERT" -noout -dates',
      },
    ]
  const left = certificate.notAfter - now
  if (left > CERTIFICATE_WARNING) return [{ id, state: 'ok' }]
  const next = 'renew it; the server takes the new files by itself'
  return [
    {
      id,
      state: left <= 0 ? 'problem' : 'warning',
      cause: `it ends in ${Math.floor(left / DAY)} days`,
      next,
    },
  ]
}

/** A core file holds every key in use. */
async function examineCoreDumps(): Promise<Finding> {
  const id = 'core dumps'
  const limits = await readFile('/proc/self/limits', 'latin1').catch(() => '')
  const soft = /^Max core file size\s+(\S+)/m.exec(limits)?.[1]
  if (soft === undefined || soft === '0') return { id, state: 'ok' }
  return {
    id,
    state: 'warning',
    cause: 'a crash would write the memory, with every key in it, to a file',
    next: 'ulimit -c 0, or LimitCORE=0 in the unit',
  }
}

async function examineSwap(): Promise<Finding> {
  const id = 'swap'
  const lines = (await readFile('/proc/swaps', 'latin1').catch(() => '')).trim().split('\n').slice(1)
  // zram stays in memory.
  const onDisk = lines.filter((line) => !line.includes('zram'))
  if (onDisk.length === 0) return { id, state: 'ok' }
  return {
    id,
    state: 'warning',
    cause: 'memory with keys in it may be written to disk',
    next: 'encrypt the swap, or MemorySwapMax=0 in the unit',
  }
}
