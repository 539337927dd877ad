import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, type CreateBucketCommandInput, S3Client } from '@aws-sdk/client-s3'
import { Secret } from '../../../src/model/secret.ts'
import { S3ObjectStore, type S3StoreOptions } from '../../../src/store/object/s3-store.ts'
import type { S3Server } from '../../s3-server.ts'

let buckets = 0

/** The SDK itself, for what a test does behind the back of Coffre. */
export function rawClient(server: S3Server): S3Client {
  return new S3Client({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: server.region,
    forcePathStyle: true,
    credentials: {
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
    },
  })
}

export async function makeBucket(
  server: S3Server,
  input: Partial<CreateBucketCommandInput> = {},
): Promise<string> {
  buckets += 1
  const Bucket = `test-${process.pid}-${buckets}`
  const client = rawClient(server)
  await client.send(new CreateBucketCommand({ Bucket, ...input }))
  client.destroy()
  return Bucket
}

export interface BucketOptions extends Partial<S3StoreOptions> {
  readonly bucket: string
  readonly prefix?: string
  /** Of something between us and the server. */
  readonly port?: number
  readonly host?: string
  readonly checksums?: boolean
}

export function openBucket(server: S3Server, options: BucketOptions): S3ObjectStore {
  const { bucket, prefix = '', port = server.port, host = '127.0.0.1', checksums = true, ...rest } = options
  const address = {
    bucket,
    prefix,
    endpoint: `http://${host}:${port}`,
    region: server.region,
    pathStyle: true,
    checksums,
  }
  const credentials = {
    accessKeyId: server.accessKeyId,
    secretAccessKey: new Secret(server.secretAccessKey),
  }
  return new S3ObjectStore(address, {
    credentials,
    makeWriteId: randomUUID,
    ...rest,
  })
}
