import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { addMilliseconds, type Instant, SECOND, toInstant } from '../../src/model/clock.ts'
import { Secret } from '../../src/model/secret.ts'
import { failsWith } from '../temporary.ts'
import { startServer } from './running-server.ts'

let now: Instant = toInstant(Date.now())
const options = { clock: () => now, trustedProxies: ['127.0.0.1'] }

describe('wrong tokens', async () => {
  const { admin, adminToken, appToken, send } = await startServer({ after }, options)
  const ask = (token: string, address: string) =>
    send('/api/v1/tokens/self', { token, headers: { 'x-forwarded-for': address } })
  const forged = (await admin.tokens.create({ name: 'x', role: 'app' })).token.reveal().replace(/.$/, 'z')
  const failMany = async (address: string) => {
    for (let tries = 0; tries < 200; tries += 1) {
      const answer = await ask(forged, address)
      if (answer.status !== 401) return answer
    }
    return assert.fail('never limited')
  }

  test('are refused with 429 and a time to wait after a burst from one address', async () => {
    const answer = await failMany('203.0.113.1')
    assert.deepEqual([answer.status, answer.body['code']], [429, 'RATE_LIMITED'])
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.equal((await ask(forged, '203.0.113.2')).status, 401)
    now = addMilliseconds(now, SECOND)
    assert.equal((await ask(forged, '203.0.113.1')).status, 401)
  })

  test('lock out no valid token: none from another address, none that is in memory', async () => {
    await ask(adminToken, '203.0.113.5')
    await failMany('203.0.113.5')
    assert.equal((await ask(adminToken, '203.0.113.5')).status, 200)
    for (let host = 10; host < 22; host += 1) await failMany(`198.51.100.${host}`)
    assert.equal((await ask(appToken, '192.0.2.1')).status, 200)
  })

  test('count for the whole /64 of an IPv6 address', async () => {
    now = addMilliseconds(now, 3_600 * SECOND)
    await failMany('2001:db8:0:1::1')
    assert.equal((await ask(forged, '2001:db8:0:1:ffff::9')).status, 429)
    assert.equal((await ask(forged, '2001:db8:0:2::1')).status, 401)
  })

  test('leave a bounded number of records, the first at once and the rest as counts', async () => {
    now = addMilliseconds(now, 3_600 * SECOND)
    const isFailure = ({ body }: { body: string }) => body.includes('"action":"access.unauthenticated"')
    await ask(forged, '192.0.2.100')
    const before = await admin.audit.list({ last: 1 })
    assert.match(before[0]?.body ?? '', /"action":"access.unauthenticated".*"address":"192.0.2.100"/)
    const from = (before[0]?.index ?? 0) + 1
    for (let host = 0; host < 50; host += 1) await ask(forged, `192.0.2.${host}`)
    now = addMilliseconds(now, 61 * SECOND)
    await ask(forged, '192.0.2.200')
    const records = (await admin.audit.list({ from, limit: 1_000 })).filter(isFailure)
    assert.equal(records.length, 7 + 2)
    assert.match(records.at(-2)?.body ?? '', /"count":43\}/)
  })

  test('do not include a request without any token', async () => {
    for (let tries = 0; tries < 60; tries += 1) {
      const answer = await send('/api/v1/keys', { headers: { 'x-forwarded-for': '203.0.113.77' } })
      assert.equal(answer.status, 401)
    }
  })
})

describe('wrong passphrases', async () => {
  const seal = { provider: 'passphrase', passphrase: new Secret('a long enough passphrase') } as const
  const { url, send, admin } = await startServer({ after }, { ...options, seal })
  const unseal = (passphrase: string, address: string) =>
    send('/api/v1/unseal', {
      method: 'POST',
      body: { passphrase },
      headers: { 'x-forwarded-for': address },
    })

  test('are bounded for each address, and only one at a time from each', async () => {
    await admin.operator.seal()
    const together = await Promise.all([1, 2, 3, 4].map((each) => unseal(`wrong ${each}`, '203.0.113.1')))
    assert.deepEqual(together.map(({ status }) => String(status)).toSorted(), ['403', '429', '429', '429'])
    for (let tries = 0; tries < 4; tries += 1)
      assert.equal((await unseal('wrong', '203.0.113.1')).status, 403)
    const limited = await unseal('a long enough passphrase', '203.0.113.1')
    assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '10'])
    assert.equal((await unseal('a long enough passphrase', '203.0.113.2')).status, 200)
    await assert.rejects(connectCoffre(url).tokens.whoami(), failsWith('UNAUTHENTICATED'))
  })
})
