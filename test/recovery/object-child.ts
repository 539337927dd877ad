import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { openObjectStore } from '../../src/app-objects.ts'
import { Secret } from '../../src/model/secret.ts'
import { S3ObjectStore } from '../../src/store/object/s3-store.ts'

/*
 * node object-child.ts PLACE PORT PART_BYTES PARTS
 * Writes one object of that many parts and tells each before it is given away; goes on when it is told to.
 */
const [place = '', port = '', partBytes = '', parts = ''] = process.argv.slice(2)
const size = Number(partBytes)
const [accessKeyId = '', secret = '', region = ''] = (process.env['TEST_CREDENTIALS'] ?? '').split(' ')

function openBucket(): S3ObjectStore {
  const endpoint = `http://127.0.0.1:${port}`
  const address = {
    bucket: place,
    prefix: '',
    endpoint,
    region,
    pathStyle: true,
    checksums: true,
  }
  const credentials = { accessKeyId, secretAccessKey: new Secret(secret) }
  return new S3ObjectStore(address, {
    credentials,
    makeWriteId: randomUUID,
    partBytes: () => size,
  })
}

const store = port === '' ? await openObjectStore(place) : openBucket()
const body = (async function* () {
  for (let number = 1; number <= Number(parts); number += 1) {
    writeSync(1, `${number}\n`)
    await once(process.stdin, 'data')
    yield Buffer.alloc(size, number)
  }
  writeSync(1, 'end\n')
})()
await store.write('a', body)
writeSync(1, 'written\n')
process.exit(0)
