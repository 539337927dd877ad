import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { checkProof } from '../../src/app.ts'
import { openCache } from '../../src/app-cache.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { failsWith, makeFolder, openTemporary } from '../temporary.ts'

const PDL = '12345678901234'
const NAME = `consumption:daily:${PDL}:2024-01-15`

test('a server uses no data key after an erasure by somebody else, not for a moment', {
  skip: NO_REDIS,
}, async (t) => {
  const redis = await startRedis(t)
  const coffre = await openTemporary(t, { cache: { url: redis.url } })
  const { id } = await coffre.users.create()
  // It shares the rows and the cache server, and no memory.
  const other = await openCache({ coffre, url: redis.url })
  t.after(() => other.close())
  await coffre.cache.for(id).set(NAME, 1)
  redis.ask('copy', `coffre:cache:{${id}}:e:${NAME}`, 'kept')
  await other.for(id).erase()
  redis.ask('rename', 'kept', `coffre:cache:{${id}}:e:${NAME}`)
  assert.equal((await coffre.cache.for(id).lookup(NAME)).status, 'MISS')
  await coffre.cache.for(id).set(`contract:${PDL}`, 2)
  assert.equal((await coffre.cache.for(id).lookup(NAME)).status, 'WRONG_KEY')
  assert.equal(await other.for(id).get(`contract:${PDL}`), 2)
})

describe('the cache of users of a Coffre', async () => {
  const coffre = await openTemporary({ after }, { dataDir: makeFolder({ after }) })
  const cache = await openCache({ coffre })
  after(() => cache.close())

  test('the key is made with the first entry, kept in the row, and recorded', async () => {
    const [one, two] = [await coffre.users.create(), await coffre.users.create()]
    await cache.for(one.id).set(NAME, 1)
    await cache.for(two.id).set(NAME, 2)
    assert.deepEqual([await cache.for(one.id).get(NAME), await cache.for(two.id).get(NAME)], [1, 2])
    const records = await coffre.audit.list({ last: 100 })
    const made = records.filter(({ action }) => action === 'cache.create-key')
    assert.deepEqual(
      made.map(({ body }) => JSON.parse(body).detail.user),
      [one.id, two.id],
    )
    assert.equal((await coffre.keys.get('cache')).name, 'cache')
    assert.ok(records.every(({ body }) => !body.includes(PDL)))
  })

  test('nobody has a space who is no user, nor under another name than the id', async () => {
    const { clientId } = await coffre.users.create({ clientId: 'u-1' })
    for (const user of ['usr_aaaaaaaaaa', clientId, 'x']) {
      await assert.rejects(cache.for(user).set(NAME, 1), failsWith('USER_NOT_FOUND'))
    }
  })

  test('an erasure is proven by the audit log', async () => {
    const { id } = await coffre.users.create()
    await cache.for(id).set(NAME, 1)
    const receipt = await cache.for(id).erase()
    assert.deepEqual([receipt.entries, receipt.remaining, receipt.keyDestroyed], [1, 0, true])
    assert.match(receipt.proof?.body ?? '', new RegExp(`"action":"cache.erase".*"user":"${id}"`))
    const text = receipt.proof?.text ?? assert.fail('the proof names a signed checkpoint')
    const [key] = await coffre.audit.verifierKeys()
    const checked = checkProof(text, { verifierKeys: [key?.verifierKey ?? ''] })
    assert.deepEqual([checked.index, checked.body], [receipt.proof?.index, receipt.proof?.body])
    assert.equal((await cache.for(id).lookup(NAME)).status, 'MISS')
  })

  test('a user who is deleted takes the key along', async () => {
    const { id } = await coffre.users.create()
    await cache.for(id).set(NAME, 1)
    await coffre.users.delete(id)
    const other = await openCache({ coffre })
    await assert.rejects(other.for(id).lookup(NAME), failsWith('USER_NOT_FOUND'))
    await other.close()
  })
})
