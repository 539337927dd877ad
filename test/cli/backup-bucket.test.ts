import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { DeleteObjectCommand, PutBucketAclCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { namesOf } from '../conformance/object/sample.ts'
import { makeBucket, openBucket, rawClient } from '../conformance/object/s3-target.ts'
import { NO_MOTO, startMoto } from '../moto-server.ts'
import { CoffreLine } from './coffre-process.ts'

const CONTENT = 'INSERT INTO customers VALUES (1);\n'.repeat(5_000)

describe('coffre backup to a bucket', { skip: NO_MOTO }, async () => {
  if (NO_MOTO !== false) return
  const server = await startMoto({ after })

  test('makes, lists, verifies and prints; the secret comes from a file', async (t) => {
    const cli = new CoffreLine(t)
    const bucket = await makeBucket(server)
    writeFileSync(cli.path('secret'), `${server.secretAccessKey}\n`, { mode: 0o600 })
    Object.assign(cli.environment, {
      COFFRE_BACKUP_TARGET: `s3://${bucket}/coffre`,
      COFFRE_S3_ENDPOINT: `http://127.0.0.1:${server.port}`,
      COFFRE_S3_ACCESS_KEY_ID: server.accessKeyId,
      COFFRE_S3_SECRET_ACCESS_KEY_FILE: cli.path('secret'),
    })
    await cli.ok('init')
    const made = await cli.run(['backup', 'create', 'nightly', '--json'], { input: CONTENT })
    assert.equal(made.code, 0, made.error)
    assert.match((await cli.ok('backup list nightly')).out, /^1 .*signed by us$/m)
    await cli.ok('backup verify nightly --all')
    assert.equal((await cli.ok('backup cat nightly')).out, CONTENT)
    const store = openBucket(server, { bucket })
    const names = await namesOf(store)
    await store.close()
    assert.ok(names.length >= 2 && names.every((name) => name.startsWith('coffre/')), names.join(', '))
    await cli.ok('backup verify --remote')
    // Beside the prefix of the backups, where whoever reads the bucket finds it too.
    const client = rawClient(server)
    const Body = `COFFRE_BACKUP_PASSPHRASE=${'correct horse'}`
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'old/.env', Body }))
    const found = await cli.run(['backup', 'verify', '--remote', '--json'])
    assert.equal(found.code, 1)
    assert.deepEqual(JSON.parse(found.out).keys, [
      { object: 'old/.env', kind: 'setting', name: 'COFFRE_BACKUP_PASSPHRASE' },
    ])
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'old/.env' }))
    await client.send(new PutBucketAclCommand({ Bucket: bucket, ACL: 'public-read' }))
    client.destroy()
    const open = await cli.run(['backup', 'verify', '--remote'])
    assert.deepEqual([open.code, /Others may read the target/.test(open.out)], [1, true])
    writeFileSync(cli.path('secret'), 'wrong\n')
    const refused = await cli.run(['backup', 'list', 'nightly'])
    assert.equal(refused.code, 78)
    assert.match(refused.error, /OBJECT_STORE_REFUSED/)
  })
})
