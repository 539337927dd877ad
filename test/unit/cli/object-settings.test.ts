import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openObjectStore } from '../../../src/app-objects.ts'
import { readObjectSettings } from '../../../src/cli/input/object-settings.ts'
import type { Sources } from '../../../src/cli/invocation.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

function given(environment: Readonly<Record<string, string>>) {
  return readObjectSettings({ terminal: { environment } } as unknown as Sources)
}

describe('the settings of an object store', () => {
  test('none are needed', async () => {
    assert.deepEqual(await given({}), {})
    assert.deepEqual(await given({ COFFRE_S3_ENDPOINT: '', COFFRE_S3_ACCESS_KEY_ID: '' }), {})
  })

  test('all of them are read, and secrets from files', async (t) => {
    const file = join(makeFolder(t), 'secret')
    writeFileSync(file, 'hunter2\n')
    const settings = await given({
      COFFRE_S3_ENDPOINT: 'https://s3.example.com',
      COFFRE_S3_REGION: 'gra',
      COFFRE_S3_CACERT: '/ca.pem',
      COFFRE_S3_PATH_STYLE: '0',
      COFFRE_S3_ACCESS_KEY_ID: 'id',
      COFFRE_S3_SECRET_ACCESS_KEY_FILE: file,
      COFFRE_S3_SESSION_TOKEN: 'token',
    })
    const { credentials, ...rest } = settings
    assert.deepEqual(rest, {
      endpoint: 'https://s3.example.com',
      region: 'gra',
      caFile: '/ca.pem',
      pathStyle: false,
    })
    assert.equal(credentials?.accessKeyId, 'id')
    assert.equal(credentials.secretAccessKey.reveal(), 'hunter2')
    assert.equal(credentials.sessionToken?.reveal(), 'token')
    assert.ok(!JSON.stringify(settings).includes('hunter2'))
  })

  for (const environment of [
    { COFFRE_S3_ACCESS_KEY_ID: 'id' },
    { COFFRE_S3_SECRET_ACCESS_KEY: 'hunter2' },
    { COFFRE_S3_SESSION_TOKEN: 'hunter2' },
    { COFFRE_S3_PATH_STYLE: 'yes' },
  ]) {
    test(`${Object.keys(environment).join()} alone or wrong is refused`, async () => {
      await assert.rejects(
        given(environment),
        (error) => failsWith('CONFIG_REFUSED')(error) && !JSON.stringify(error).includes('hunter2'),
      )
    })
  }
})

describe('the place of an object store', () => {
  test('is a folder, a file URL or a bucket', async (t) => {
    const folder = makeFolder(t)
    for (const place of [folder, `file://${folder}`]) {
      const store = await openObjectStore(place)
      assert.equal(store.place, folder)
      await store.close()
    }
    const store = await openObjectStore('s3://my-bucket/a', { endpoint: 'http://127.0.0.1:1', region: 'gra' })
    assert.equal(store.place, 's3://my-bucket/a/')
    await store.close()
  })

  for (const place of ['', 'https://host/a', 'ftp://host', 'file://host/a', 'S3://a b']) {
    test(`"${place}" is none`, async () => {
      await assert.rejects(openObjectStore(place), failsWith('CONFIG_REFUSED'))
    })
  }
})
