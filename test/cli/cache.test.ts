import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Fernet } from '../../src/crypto/fernet.ts'
import { deriveSourceKey } from '../../src/crypto/cache-key.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { CoffreLine } from './coffre-process.ts'

const NAME = 'contract:12345678901234'
const V000 =
  'gAAAAABlpQIgAAECAwQFBgcICQoLDA0OD7-teMaCRQ3pVHSuP3DrAmMP6dxw53xhvh48sXRrwOMGhoh28yKf5JjykairyUrOk98DQWSocVgIeVjiQ49VlB42z2WixlnkKHlNUCycvvDy'

test('coffre cache --json shows values byte for byte, and one that is no JSON hides no other', {
  skip: NO_REDIS,
}, async (t) => {
  const redis = await startRedis(t)
  const coffre = new CoffreLine(t)
  coffre.environment['COFFRE_CACHE_URL'] = redis.url
  const [text, day] = ['demo-client-secret-5f2d9c7b1e', 'consumption:daily:12345678901234:2024-01-1']
  writeFileSync(coffre.path('secret'), text)
  const fernet = new Fernet(deriveSourceKey(text))
  redis.ask('SET', `${day}5`, fernet.encrypt('{"kwh": 1.0, "e": 1E2}'))
  redis.ask('SET', `${day}6`, fernet.encrypt('NaN'))
  redis.ask('SET', `${day}7`, fernet.encrypt('[2.50]'))
  const read = (...words: string[]) =>
    coffre.run(['cache', ...words, '--client-secret-file', coffre.path('secret'), '--json'])
  const one = await read('get', `${day}5`)
  assert.match(one.out, /^\{"status":"HIT",.*"value":\{"kwh": 1\.0, "e": 1E2\}\}\n$/)
  assert.deepEqual(JSON.parse(one.out).value, { kwh: 1, e: 100 })
  const odd = await read('get', `${day}6`)
  assert.deepEqual([odd.code, JSON.parse(odd.error).error.code], [3, 'CACHE_NOT_JSON'])
  const range = ['range', 'consumption:daily', '12345678901234', '--from', `2024-01-15`, '--to', '2024-01-18']
  const days = await read(...range)
  assert.equal(days.code, 3)
  assert.equal(
    days.out,
    '{"days":[{"date":"2024-01-15","status":"HIT","value":{"kwh": 1.0, "e": 1E2}},' +
      '{"date":"2024-01-16","status":"NOT_JSON"},{"date":"2024-01-17","status":"HIT","value":[2.50]},' +
      '{"date":"2024-01-18","status":"MISS"}]}\n',
  )
})

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

  // V000, which is years old.
  const day = 'consumption:daily:12345678901234:2024-01-15'
  redis.ask('SET', day, V000)
  const read = (...words: string[]) => coffre.run(['cache', ...words, '--client-secret-file', secret])
  assert.equal((await read('get', day)).code, 1)
  assert.match((await read('get', day, '--ttl', '3153600000')).out, /^\{"value": "14230"/)
  const days = ['range', 'consumption:daily', '12345678901234', '--from', '2024-01-15', '--to', '2024-01-15']
  assert.match((await read(...days)).out, /EXPIRED/)
  assert.match((await read(...days, '--ttl', '3153600000')).out, /HIT \{"value": "14230"/)

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
