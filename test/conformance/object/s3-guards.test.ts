import assert from 'node:assert/strict'
import {
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { after, describe, test } from 'node:test'
import type { ObjectStoreWarning } from '../../../src/store/object-store.ts'
import { FaultyProxy } from '../../faulty-proxy.ts'
import { NO_MOTO, startMoto } from '../../moto-server.ts'
import type { S3Server } from '../../s3-server.ts'
import { HAS_VERSITY, startVersity } from '../../versity-server.ts'
import { collect, namesOf, pieces } from './sample.ts'
import { makeBucket, openBucket, rawClient } from './s3-target.ts'

const ONE = Buffer.from('one')
const HOUR_MS = 3_600_000

describe('what guards a bucket', { skip: NO_MOTO }, async () => {
  if (NO_MOTO !== false) return
  const server = await startMoto({ after })
  const proxy = await FaultyProxy.start({ after }, server.port)
  const raw = rawClient(server)
  after(() => raw.destroy())

  testWarnings(server, [
    ['an ACL that lets everybody read', acl('public-read'), ['readable-by-others']],
    ['an ACL for all who have an account', acl('authenticated-read'), ['readable-by-others']],
    ['a bucket that keeps versions', keepVersions, ['keeps-versions']],
  ])

  test('a server that does not tell who may read, and plain HTTP beyond this machine, are warned of', async () => {
    const store = openBucket(server, {
      bucket: await makeBucket(server),
      port: proxy.port,
      attempts: 1,
      host: '0.0.0.0',
    })
    proxy.arm((_, { url = '' }) => (/[?&](acl|policyStatus)\b/.test(url) ? 'busy' : undefined))
    assert.deepEqual(await store.warnings(), ['access-unknown', 'plain-http'])
    await store.close()
  })

  test('an object under retention or a legal hold is not removed, and stays in sight', async () => {
    const bucket = await makeBucket(server, {
      ObjectLockEnabledForBucket: true,
    })
    const store = openBucket(server, { bucket })
    await store.write('retained', pieces(ONE))
    await store.write('held', pieces(ONE))
    const Retention = {
      Mode: 'COMPLIANCE',
      RetainUntilDate: new Date(Date.now() + HOUR_MS),
    } as const
    await raw.send(
      new PutObjectRetentionCommand({
        Bucket: bucket,
        Key: 'retained',
        Retention,
      }),
    )
    const hold = (Status: 'ON' | 'OFF') =>
      raw.send(
        new PutObjectLegalHoldCommand({
          Bucket: bucket,
          Key: 'held',
          LegalHold: { Status },
        }),
      )
    await hold('ON')
    assert.equal(await store.remove('retained'), 'locked')
    assert.equal(await store.remove('held'), 'locked')
    assert.deepEqual(await namesOf(store), ['held', 'retained'])
    await hold('OFF')
    assert.equal(await store.remove('held'), 'removed')
    assert.deepEqual(await namesOf(store), ['retained'])
    assert.equal(String(await collect(store.read('retained'))), 'one')
    await store.close()
  })

  test('checksums go with every body, and with none where the address says so', async () => {
    const bucket = await makeBucket(server)
    for (const checksums of [true, false]) {
      const store = openBucket(server, {
        bucket,
        port: proxy.port,
        checksums,
        partBytes: () => 10_000,
      })
      const seen: boolean[] = []
      proxy.arm((_, { method, headers }) => {
        if (method === 'PUT') seen.push('x-amz-checksum-crc32' in headers)
        return undefined
      })
      await store.write('whole', pieces(ONE))
      await store.write('parts', pieces(Buffer.alloc(25_000)))
      assert.deepEqual(seen, [checksums, checksums, checksums, checksums])
      await store.close()
    }
  })
})

// moto tells neither whether a policy is public nor that everybody may write.
if (HAS_VERSITY) {
  describe('what guards a bucket of Versity’s gateway', async () => {
    testWarnings(await startVersity({ after }), [
      ['a policy that lets everybody read', allowAll, ['readable-by-others']],
      ['an ACL that lets everybody write', letWrite, ['readable-by-others', 'writable-by-others']],
    ])
  })
}

type Change = (client: S3Client, bucket: string) => Promise<unknown>

function testWarnings(
  server: S3Server,
  cases: readonly (readonly [title: string, change: Change, expected: readonly ObjectStoreWarning[]])[],
): void {
  for (const [title, change, expected] of cases) {
    test(`${title} is warned of`, async () => {
      const bucket = await makeBucket(server)
      const client = rawClient(server)
      await change(client, bucket)
      client.destroy()
      const store = openBucket(server, { bucket })
      assert.deepEqual(await store.warnings(), expected)
      await store.close()
    })
  }
}

function acl(ACL: 'public-read' | 'public-read-write' | 'authenticated-read') {
  return (client: S3Client, Bucket: string) => client.send(new PutBucketAclCommand({ Bucket, ACL }))
}

function allowAll(client: S3Client, Bucket: string) {
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
  const Statement = [
    {
      Effect: 'Allow',
      Principal: '*',
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource,
    },
  ]
  return client.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement }),
    }),
  )
}

async function letWrite(client: S3Client, Bucket: string): Promise<void> {
  const OwnershipControls = {
    Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' as const }],
  }
  await client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
  await acl('public-read-write')(client, Bucket)
}

function keepVersions(client: S3Client, Bucket: string) {
  const command = {
    Bucket,
    VersioningConfiguration: { Status: 'Enabled' },
  } as const
  return client.send(new PutBucketVersioningCommand(command))
}
