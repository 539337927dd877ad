import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { type Instant, toInstant } from '../../src/model/clock.ts'
import { Secret } from '../../src/model/secret.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import type { ServeOptions } from '../../src/app.ts'
import { failsWith, makeFolder, openTemporary } from '../temporary.ts'
import { type Running, startServer } from './running-server.ts'

const PASSPHRASE = new Secret('correct horse battery staple')
const TEN_MINUTES = 600_000

interface Shared extends Running {
  readonly dataDir: string
  readonly shares: Secret[]
  readonly other: Coffre
  readonly nobody: Coffre
  readonly time: { now: Instant }
}

/** A server under 2 of 3 shares (or another seal), with a second admin and somebody without a token. */
async function start(t: TestContext, options: Partial<ServeOptions> = {}): Promise<Shared> {
  const shares: Secret[] = []
  const keepShares = async (made: readonly Secret[]) => void shares.push(...made)
  const seal = { provider: 'shamir', quorum: { shares: 3, threshold: 2 }, keepShares } as const
  const time = { now: toInstant(Date.now()) }
  const dataDir = makeFolder(t)
  const server = await startServer(t, { seal, dataDir, clock: () => time.now, rootLingerMs: 0, ...options })
  const { token } = await server.admin.tokens.create({ name: 'other', role: 'admin' })
  const [other, nobody] = [connectCoffre(server.url, token), connectCoffre(server.url)]
  return { ...server, dataDir, shares, other, nobody, time }
}

async function lastActions(coffre: Coffre, count: number): Promise<readonly string[]> {
  const records = await coffre.audit.list({ last: count })
  return records.map(({ action, outcome }) => `${action} ${outcome}`)
}

/** Polls: the sweep is in the background. */
async function untilRetired(coffre: Coffre): Promise<void> {
  while ((await coffre.operator.status()).rootRemaining !== undefined) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a server under shares', () => {
  test('is unsealed by any two, one at a time, without a token', async (t) => {
    const { admin, nobody, shares } = await start(t)
    const [, second, third] = shares
    await admin.operator.seal()
    const first = await nobody.operator.unseal({ share: third })
    assert.deepEqual([first.sealed, first.sharesGiven, first.sharesNeeded], [true, 1, 2])
    assert.equal((await nobody.operator.unseal({ share: second })).sealed, false)
  })

  test('names a repeated, a mistyped and a foreign share, and goes on', async (t) => {
    const { admin, nobody, shares } = await start(t)
    const { shares: foreign } = await start(t)
    const [one = new Secret(''), two = new Secret('')] = shares
    await admin.operator.seal()
    await nobody.operator.unseal({ share: one })
    await assert.rejects(nobody.operator.unseal({ share: one }), failsWith('SHARE_REPEATED'))
    const mistyped = new Secret(two.reveal().replace(/.$/, (last) => (last === '0' ? 'G' : '0')))
    await assert.rejects(nobody.operator.unseal({ share: mistyped }), failsWith('SHARE_INVALID'))
    await assert.rejects(nobody.operator.unseal({ share: foreign[1] }), failsWith('SHARE_FOREIGN'))
    assert.equal((await nobody.operator.status()).sharesGiven, 1)
    assert.equal((await nobody.operator.unseal({ share: two })).sealed, false)
    assert.deepEqual(await lastActions(admin, 3), [
      'coffre.unseal refused',
      'coffre.unseal refused',
      'coffre.unseal ok',
    ])
  })

  test('forgets shares after ten minutes, and when it is told to', async (t) => {
    const { admin, nobody, shares, time } = await start(t)
    const [one, two] = shares
    await admin.operator.seal()
    await nobody.operator.unseal({ share: one })
    time.now = toInstant(time.now + TEN_MINUTES)
    assert.equal((await nobody.operator.status()).sharesGiven, 0)
    assert.equal((await nobody.operator.unseal({ share: two })).sharesGiven, 1)
    assert.equal((await admin.operator.unseal({ reset: true })).sharesGiven, 0)
    await assert.rejects(nobody.operator.unseal({ reset: true }), failsWith('UNAUTHENTICATED'))
  })

  test('takes no passphrase, and a passphrase store takes no share', async (t) => {
    const { admin, nobody, shares } = await start(t)
    await admin.operator.seal()
    await assert.rejects(nobody.operator.unseal({ passphrase: PASSPHRASE }), failsWith('INVALID_REQUEST'))
    const plain = await start(t, { seal: { provider: 'passphrase', passphrase: PASSPHRASE } })
    await plain.admin.operator.seal()
    await assert.rejects(plain.nobody.operator.unseal({ share: shares[0] }), failsWith('INVALID_REQUEST'))
  })
})

describe('a rekey', () => {
  test('from shares to other shares counts once the new ones were shown again', async (t) => {
    const { admin, nobody, shares, dataDir } = await start(t)
    await admin.keys.create({ name: 'k' })
    const { ciphertext } = await admin.encrypt({ key: 'k', plaintext: 'x' })
    const { ceremonies } = admin.operator
    const seal = { provider: 'shamir', shares: 5, threshold: 3 } as const
    const begun = await ceremonies.begin({ kind: 'rekey', seal })
    const { nonce } = begun
    assert.deepEqual([begun.phase, begun.given, begun.needed], ['authorize', 0, 2])
    await assert.rejects(ceremonies.collect({ nonce }), failsWith('CEREMONY_NOT_FOUND'))
    await nobody.operator.ceremonies.give({ nonce, share: shares[0] })
    assert.equal((await nobody.operator.ceremonies.give({ nonce, share: shares[2] })).phase, 'collect')
    const made = (await ceremonies.collect({ nonce })).shares
    assert.equal(made.length, 5)
    // The old ones are still those that count.
    await assert.rejects(ceremonies.give({ nonce, share: shares[0] }), failsWith('SHARE_FOREIGN'))
    await ceremonies.give({ nonce, share: made[4] })
    await ceremonies.give({ nonce, share: made[1] })
    assert.deepEqual(await ceremonies.give({ nonce, share: made[2] }), { phase: 'done', kind: 'rekey' })
    await admin.operator.seal()
    await assert.rejects(nobody.operator.unseal({ share: shares[0] }), failsWith('SHARE_FOREIGN'))
    for (const share of made.slice(2)) await nobody.operator.unseal({ share })
    assert.equal(Buffer.from((await admin.decrypt({ ciphertext })).plaintext).toString(), 'x')
    assert.ok(dataDir.length > 0)
  })

  test('shows new shares to who began it only', async (t) => {
    const { admin, other, shares } = await start(t)
    const seal = { provider: 'shamir', shares: 2, threshold: 2 } as const
    const { nonce } = await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    for (const share of shares.slice(1)) await other.operator.ceremonies.give({ nonce, share })
    await assert.rejects(other.operator.ceremonies.collect({ nonce }), failsWith('FORBIDDEN'))
    const first = await admin.operator.ceremonies.collect({ nonce })
    const second = await admin.operator.ceremonies.collect({ nonce })
    // An answer that was lost is worth nothing to whoever found it.
    await assert.rejects(
      admin.operator.ceremonies.give({ nonce, share: first.shares[0] }),
      failsWith('SHARE_FOREIGN'),
    )
    await admin.operator.ceremonies.give({ nonce, share: second.shares[0] })
  })

  test('goes from file to passphrase, to shares and back to the file, on the running server', async (t) => {
    const server = await start(t, { seal: { provider: 'file' } })
    const { admin, nobody } = server
    const { ceremonies } = admin.operator
    const toPassphrase = { provider: 'passphrase', passphrase: PASSPHRASE } as const
    assert.equal((await ceremonies.begin({ kind: 'rekey', seal: toPassphrase })).phase, 'done')
    assert.equal((await admin.operator.status()).sealProvider, 'passphrase')
    await admin.operator.seal()
    await nobody.operator.unseal({ passphrase: PASSPHRASE })
    const toShares = { provider: 'shamir', shares: 2, threshold: 2 } as const
    const { nonce } = await ceremonies.begin({ kind: 'rekey', seal: toShares })
    const wrong = new Secret('not the passphrase at all')
    await assert.rejects(ceremonies.give({ nonce, passphrase: wrong }), failsWith('PASSPHRASE_WRONG'))
    await ceremonies.give({ nonce, passphrase: PASSPHRASE })
    const { shares } = await ceremonies.collect({ nonce })
    for (const share of shares) await ceremonies.give({ nonce, share })
    const back = await ceremonies.begin({ kind: 'rekey', seal: { provider: 'file' } })
    for (const share of shares) await nobody.operator.ceremonies.give({ nonce: back.nonce, share })
    assert.equal((await admin.operator.status()).sealProvider, 'file')
    await admin.operator.seal()
    assert.equal((await admin.operator.unseal()).sealed, false)
  })

  test('to what is there already, or to nothing, is refused', async (t) => {
    const { admin } = await start(t, { seal: { provider: 'file' } })
    const { ceremonies } = admin.operator
    for (const seal of [{ provider: 'file' }, { provider: 'shamir', shares: 2, threshold: 3 }] as const) {
      await assert.rejects(ceremonies.begin({ kind: 'rekey', seal }), failsWith('INVALID_REQUEST'))
    }
    await assert.rejects(ceremonies.begin({ kind: 'rekey' }), failsWith('INVALID_REQUEST'))
    assert.equal((await ceremonies.show()).phase, 'none')
  })
})

describe('a ceremony', () => {
  const seal = { provider: 'shamir', shares: 3, threshold: 2 } as const

  test('is one at a time, and says whose it is', async (t) => {
    const { admin, other } = await start(t)
    await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    await assert.rejects(
      other.operator.ceremonies.begin({ kind: 'rotate-root' }),
      failsWith('CEREMONY_UNDER_WAY'),
    )
    const seen = await other.operator.ceremonies.show()
    assert.match(seen.startedBy ?? '', /^token:/)
    assert.ok(!('nonce' in seen))
  })

  test('is used with its nonce only', async (t) => {
    const { admin, nobody, shares } = await start(t)
    await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    const guessed = nobody.operator.ceremonies.give({ nonce: '0'.repeat(32), share: shares[0] })
    await assert.rejects(guessed, failsWith('CEREMONY_NOT_FOUND'))
  })

  test('is cancelled by its starter and by no other operator', async (t) => {
    const { admin, other } = await start(t)
    const { nonce } = await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    for (const request of [{}, { nonce }]) {
      await assert.rejects(other.operator.ceremonies.cancel(request), failsWith('FORBIDDEN'))
    }
    assert.equal((await admin.operator.ceremonies.cancel({ nonce })).phase, 'none')
    await other.operator.ceremonies.begin({ kind: 'rekey', seal })
  })

  test('is over after ten minutes', async (t) => {
    const { admin, other, shares, time } = await start(t)
    const { nonce } = await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    await admin.operator.ceremonies.give({ nonce, share: shares[0] })
    time.now = toInstant(time.now + TEN_MINUTES)
    await assert.rejects(
      admin.operator.ceremonies.give({ nonce, share: shares[1] }),
      failsWith('CEREMONY_NOT_FOUND'),
    )
    const { needed, given } = await other.operator.ceremonies.begin({ kind: 'rekey', seal })
    assert.deepEqual([given, needed], [0, 2])
  })

  test('that occupies the place gives way to a quorum, without its nonce', async (t) => {
    const { admin, other, nobody, shares } = await start(t)
    await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    const first = await nobody.operator.ceremonies.takeOver({ share: shares[0] })
    assert.equal(first.takeOverGiven, 1)
    assert.equal((await nobody.operator.ceremonies.takeOver({ share: shares[1] })).phase, 'none')
    await other.operator.ceremonies.begin({ kind: 'rekey', seal })
    assert.deepEqual(await lastActions(admin, 2), ['ceremony.take-over ok', 'ceremony.begin ok'])
  })

  test('ends when the server is sealed', async (t) => {
    const { admin, nobody, shares } = await start(t)
    const { nonce } = await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    await admin.operator.seal()
    await assert.rejects(
      nobody.operator.ceremonies.give({ nonce, share: shares[0] }),
      failsWith('CEREMONY_NOT_FOUND'),
    )
    await assert.rejects(admin.operator.ceremonies.begin({ kind: 'rekey', seal }), failsWith('SEALED'))
  })

  test('shows no secret in any record', async (t) => {
    const { admin, shares } = await start(t)
    const { nonce } = await admin.operator.ceremonies.begin({ kind: 'rekey', seal })
    for (const share of shares.slice(1)) await admin.operator.ceremonies.give({ nonce, share })
    const made = (await admin.operator.ceremonies.collect({ nonce })).shares
    const bodies = (await admin.audit.list({ limit: 1_000 })).map(({ body }) => body).join('\n')
    for (const secret of [...shares, ...made]) assert.ok(!bodies.includes(secret.reveal().slice(13, 40)))
    assert.ok(!bodies.includes(nonce))
  })
})

describe('a rotation of the root key', () => {
  test('keeps everything readable, and its shares', async (t) => {
    const { admin, nobody, shares } = await start(t)
    const { ceremonies } = admin.operator
    const texts: string[] = []
    for (const name of ['a', 'b', 'c']) {
      await admin.keys.create({ name })
      texts.push((await admin.encrypt({ key: name, plaintext: name })).ciphertext)
    }
    await admin.keys.rotate('a')
    const { nonce } = await ceremonies.begin({ kind: 'rotate-root' })
    await ceremonies.give({ nonce, share: shares[0] })
    assert.equal((await ceremonies.give({ nonce, share: shares[1] })).phase, 'done')
    await untilRetired(admin)
    assert.equal((await admin.operator.status()).rootGeneration, 2)
    await admin.keys.create({ name: 'd' })
    await admin.operator.seal()
    for (const share of shares.slice(1)) await nobody.operator.unseal({ share })
    for (const [index, ciphertext] of texts.entries()) {
      const { plaintext } = await admin.decrypt({ ciphertext })
      assert.equal(Buffer.from(plaintext).toString(), ['a', 'b', 'c'][index])
    }
    await admin.encrypt({ key: 'd', plaintext: 'd' })
  })

  test('again and again leaves one slot and no link', async (t) => {
    const dataDir = makeFolder(t)
    const server = await start(t, { seal: { provider: 'file' }, dataDir })
    await server.admin.keys.create({ name: 'k' })
    const { ciphertext } = await server.admin.encrypt({ key: 'k', plaintext: 'x' })
    for (let generation = 2; generation <= 5; generation += 1) {
      await server.admin.operator.ceremonies.begin({ kind: 'rotate-root' })
      await untilRetired(server.admin)
      assert.equal((await server.admin.operator.status()).rootGeneration, generation)
    }
    assert.deepEqual((await lastActions(server.admin, 4)).slice(1), [
      'root.rotate ok',
      'root.rewrap ok',
      'root.retire ok',
    ])
    await server.close()
    const coffre = await openTemporary(t, { dataDir })
    assert.equal(Buffer.from((await coffre.decrypt({ ciphertext })).plaintext).toString(), 'x')
  })
})
