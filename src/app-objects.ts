import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { randomUuid } from './crypto/random.ts'
import { CoffreError } from './model/errors.ts'
import type { Secret } from './model/secret.ts'
import { FolderObjectStore } from './store/object/folder-store.ts'
import type { ObjectStore } from './store/object-store.ts'

export interface ObjectStoreOptions {
  /** Of a bucket: the server's address, `https://s3.example.com`; Amazon's own when absent. */
  readonly endpoint?: string
  /** `us-east-1` when absent. */
  readonly region?: string
  /** The bucket in the path rather than in the host; true with an endpoint when absent. */
  readonly pathStyle?: boolean
  /** Absent: as the AWS SDK finds them (`AWS_…` variables, profiles, the role of the machine). */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: Secret
    readonly sessionToken?: Secret
  }
  /** PEM file with the CA of a server with TLS; the system's when absent. */
  readonly caFile?: string
  /** How long the server may be silent; 60,000 when absent. */
  readonly timeoutMs?: number
}

/**
 * Where large encrypted objects lie: a folder (`/var/backups/coffre`, `file:///var/backups/coffre`) or a bucket
 * (`s3://bucket/prefix?endpoint=https://…&region=…&path-style=0`). Throws CONFIG_REFUSED for what is neither.
 */
export async function openObjectStore(place: string, options: ObjectStoreOptions = {}): Promise<ObjectStore> {
  if (/^s3:/i.test(place)) return openBucket(place, options)
  if (/^file:/i.test(place)) return FolderObjectStore.open(pathOf(place))
  if (place !== '' && !/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) return FolderObjectStore.open(place)
  return refuse()
}

async function openBucket(place: string, options: ObjectStoreOptions): Promise<ObjectStore> {
  // Loaded here: the SDK is large, and most processes have no bucket.
  const [{ S3ObjectStore }, { parseS3Address }] = await Promise.all([
    import('./store/object/s3-store.ts'),
    import('./store/object/s3-address.ts'),
  ])
  const { credentials, caFile, timeoutMs } = options
  const ca = caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') }
  return new S3ObjectStore(parseS3Address(place, options), {
    makeWriteId: randomUuid,
    ...ca,
    ...(credentials === undefined ? {} : { credentials }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    return refuse()
  }
}

function refuse(): never {
  const expected = 'a folder, file:///folder or s3://bucket/prefix'
  throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'object store', expected } })
}
