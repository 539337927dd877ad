import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { CoffreLine } from './coffre-process.ts'

const NAME = 'contract:12345678901234'

test('coffre cache keeps JSON as it was given, and times to live by type', { skip: NO_REDIS }, async (t) => {
  const redis = await startRedis(t)
  const coffre = new CoffreLine(t)
  coffre.environment['COFFRE_CACHE_URL'] = redis.url
  const secret = coffre.path('secret')
  writeFileSync(secret, 'demo-client-secret-5f2d9c7b1e\n')
  const set = (input: string | Uint8Array, environment: Record<string, string> = {}, ...more: string[]) =>
    coffre.run(['cache', 'set', NAME, '--client-secret-file', secret, ...more], { input, environment })
  const get = async () => (await coffre.run(['cache', 'get', NAME, '--client-secret-file', secret])).out

  const byType = { CACHE_TTL_SECONDS: '600', CACHE_TTL_SECONDS_BY_TYPE: 'address=60, contract=120' }
  assert.equal((await set('{"coeff":  1.0}\r\n', byType)).code, 0)
  assert.ok(Number(redis.ask('TTL', NAME)) > 60 && Number(redis.ask('TTL', NAME)) <= 120)
  assert.equal(await get(), '{"coeff":  1.0}\n')
  assert.equal((await set('{"a":1.0,"b":"é"}', {}, '--json-style', 'python')).code, 0)
  assert.equal(await get(), String.raw`{"a": 1.0, "b": "\u00e9"}` + '\n')
  // As PowerShell writes a file.
  assert.equal((await set('\ufeff[1.50]', {}, '--ttl', '90')).code, 0)
  assert.ok(Number(redis.ask('TTL', NAME)) <= 90)
  assert.equal(await get(), '[1.50]\n')

  for (const input of ['', '{', 'NaN', Buffer.from([0x22, 0xff, 0x22])]) {
    const { code, error } = await set(input)
    assert.deepEqual([code, error.includes('JSON')], [2, true], String(input))
  }
  for (const [name, wrong] of [
    ['CACHE_TTL_SECONDS', '0'],
    ['CACHE_TTL_SECONDS_BY_TYPE', 'contracts=60'],
    ['CACHE_TTL_SECONDS_BY_TYPE', 'contract=1=2'],
    ['CACHE_TTL_SECONDS_BY_TYPE', 'contract'],
    ['CACHE_TTL_SECONDS_BY_TYPE', 'contract=60,'],
  ] as const) {
    const { code, error } = await set('1', { [name]: wrong })
    assert.deepEqual([code, error.includes(name)], [78, true], wrong)
  }
  assert.equal(await get(), '[1.50]\n')
})
