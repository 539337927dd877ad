import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseS3Address } from '../../../../src/store/object/s3-address.ts'
import { failsWith } from '../../../temporary.ts'

describe('the address of a bucket', () => {
  test('every part of it is read', () => {
    const text =
      's3://my-bucket/back/ups/?endpoint=https://s3.example.com:9000/&region=gra&path-style=0&checksums=0'
    assert.deepEqual(parseS3Address(text), {
      bucket: 'my-bucket',
      prefix: 'back/ups/',
      endpoint: 'https://s3.example.com:9000',
      region: 'gra',
      pathStyle: false,
      checksums: false,
    })
  })

  test('what is absent is as the settings say, or as Amazon has it', () => {
    const bare = {
      bucket: 'my-bucket',
      prefix: '',
      region: 'us-east-1',
      pathStyle: false,
      checksums: true,
    }
    assert.deepEqual(parseS3Address('s3://my-bucket'), bare)
    assert.deepEqual(parseS3Address('s3://my-bucket/'), bare)
    const defaults = { endpoint: 'http://127.0.0.1:9000', region: 'gra' }
    assert.deepEqual(parseS3Address('s3://my-bucket/a', defaults), {
      bucket: 'my-bucket',
      prefix: 'a/',
      ...defaults,
      pathStyle: true,
      checksums: true,
    })
    assert.equal(parseS3Address('s3://my-bucket/a', { ...defaults, pathStyle: false }).pathStyle, false)
  })

  for (const text of [
    '',
    'my-bucket',
    'https://my-bucket',
    's3://',
    's3://My_Bucket',
    's3://ab',
    's3://my-bucket:80',
    's3://key:hunter2@my-bucket',
    's3://my-bucket/../a',
    's3://my-bucket/a//b',
    's3://my-bucket/a%20b',
    's3://my-bucket#hunter2',
    's3://my-bucket?secret=hunter2',
    's3://my-bucket?region=a&region=b',
    's3://my-bucket?region=../hunter2',
    's3://my-bucket?path-style=yes',
    's3://my-bucket?checksums=hunter2',
    's3://my-bucket?endpoint=hunter2',
    's3://my-bucket?endpoint=file:///etc/hunter2',
    's3://my-bucket?endpoint=https://a:hunter2@b',
    's3://my-bucket?endpoint=https://a?hunter2',
  ]) {
    test(`"${text}" is refused without being repeated`, () => {
      // The WHATWG parser takes ".." away, so that address is one without a prefix.
      if (text.includes('..') && !text.includes('?')) return assert.equal(parseS3Address(text).prefix, 'a/')
      assert.throws(
        () => parseS3Address(text),
        (error) => failsWith('CONFIG_REFUSED')(error) && !JSON.stringify(error).includes('hunter2'),
      )
    })
  }
})
