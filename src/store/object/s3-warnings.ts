import {
  GetBucketAclCommand,
  GetBucketPolicyStatusCommand,
  GetBucketVersioningCommand,
  type Grant,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import type { ObjectStoreWarning } from '../object-store.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { asked, isStatus } from './s3-errors.ts'

/** Versity's gateway has a short name for the first. */
const EVERYBODY = /\/groups\/global\/(AllUsers|AuthenticatedUsers)$|^all-users$/
const LOOPBACK = /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/

/** Who else reads and writes: asked of the server, and tried without credentials. */
export async function bucketWarnings(
  bucket: S3Bucket,
  { anonymous, endpoint }: { readonly anonymous: S3Bucket; readonly endpoint: string | undefined },
): Promise<readonly ObjectStoreWarning[]> {
  const [grants, isPolicyPublic, isListed, keepsVersions] = await Promise.all([
    readGrants(bucket),
    readPolicy(bucket),
    isListedFor(anonymous),
    readVersioning(bucket),
  ])
  const found = new Set<ObjectStoreWarning>()
  if (grants?.includes('read') === true || isPolicyPublic === true || isListed)
    found.add('readable-by-others')
  if (grants?.includes('write') === true) found.add('writable-by-others')
  if (grants === undefined && isPolicyPublic === undefined) found.add('access-unknown')
  if (keepsVersions) found.add('keeps-versions')
  if (endpoint !== undefined && isPlain(endpoint)) found.add('plain-http')
  return [...found]
}

function isPlain(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'http:' && !LOOPBACK.test(hostname)
}

async function readGrants({ client, itself }: S3Bucket): Promise<readonly ('read' | 'write')[] | undefined> {
  try {
    const { Grants = [] } = await asked(() => client.send(new GetBucketAclCommand(itself)))
    return Grants.filter(({ Grantee }) => EVERYBODY.test(Grantee?.URI ?? Grantee?.ID ?? '')).flatMap(
      meaningOf,
    )
  } catch {
    return undefined
  }
}

function meaningOf({ Permission }: Grant): readonly ('read' | 'write')[] {
  if (Permission === 'READ') return ['read']
  return Permission === 'WRITE' ? ['write'] : ['read', 'write']
}

async function readPolicy({ client, itself }: S3Bucket): Promise<boolean | undefined> {
  try {
    const { PolicyStatus } = await asked(() => client.send(new GetBucketPolicyStatusCommand(itself)))
    return PolicyStatus?.IsPublic
  } catch (error) {
    // There is no policy, so it opens nothing.
    return isStatus(error, 404) ? false : undefined
  }
}

async function isListedFor({ client, itself }: S3Bucket): Promise<boolean> {
  try {
    await asked(() => client.send(new ListObjectsV2Command({ ...itself, MaxKeys: 1 })))
    return true
  } catch {
    return false
  }
}

async function readVersioning({ client, itself }: S3Bucket): Promise<boolean> {
  try {
    const { Status } = await asked(() => client.send(new GetBucketVersioningCommand(itself)))
    return Status === 'Enabled'
  } catch {
    return false
  }
}
