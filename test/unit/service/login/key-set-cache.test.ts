import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { addMilliseconds, type Instant, toInstant } from '../../../../src/model/clock.ts'
import { KeySetCache } from '../../../../src/service/login/key-set-cache.ts'

const URL = 'https://issuer.example/keys'
const HEAD = { kid: 'a', algorithm: 'EdDSA' } as const
const MINUTE = 60_000

function documentOf(...ids: readonly string[]): string {
  const { publicKey } = generateKeyPairSync('ed25519')
  return JSON.stringify({ keys: ids.map((kid) => ({ ...publicKey.export({ format: 'jwk' }), kid })) })
}

class Issuer {
  asked = 0
  answer: () => Promise<string>
  now: Instant = toInstant(1_800_000_000_000)
  readonly cache: KeySetCache

  constructor(answer: () => Promise<string>) {
    this.answer = answer
    this.cache = new KeySetCache(
      () => {
        this.asked += 1
        return this.answer()
      },
      () => this.now,
    )
  }

  pass(milliseconds: number): void {
    this.now = addMilliseconds(this.now, milliseconds)
  }

  async knows(kid: string): Promise<boolean> {
    const keys = await this.cache.find({ url: URL }, { ...HEAD, kid })
    return (await keys?.find(kid, 'EdDSA')) !== undefined
  }
}

test('an issuer is asked once, whoever logs in, until its answer is ten minutes old', async () => {
  const issuer = new Issuer(() => Promise.resolve(documentOf('a')))
  await Promise.all(Array.from({ length: 50 }, () => issuer.knows('a')))
  issuer.pass(10 * MINUTE - 1)
  assert.ok(await issuer.knows('a'))
  assert.equal(issuer.asked, 1)
  issuer.pass(1)
  assert.ok(await issuer.knows('a'))
  assert.equal(issuer.asked, 2)
})

test('a key that is not known yet is looked for at once, and then at most every 30 seconds', async () => {
  const issuer = new Issuer(() => Promise.resolve(documentOf('a')))
  assert.ok(await issuer.knows('a'))
  issuer.answer = () => Promise.resolve(documentOf('a', 'b'))
  issuer.pass(30_000)
  assert.ok(await issuer.knows('b'))
  for (let index = 0; index < 100; index += 1) assert.ok(!(await issuer.knows(`guess-${index}`)))
  assert.equal(issuer.asked, 2)
})

test('a key that the issuer takes back is refused within ten minutes', async () => {
  const issuer = new Issuer(() => Promise.resolve(documentOf('a')))
  assert.ok(await issuer.knows('a'))
  issuer.answer = () => Promise.resolve(documentOf('b'))
  issuer.pass(10 * MINUTE)
  assert.ok(!(await issuer.knows('a')))
})

test('an issuer that is away, or answers nonsense, is believed as before for an hour and no longer', async () => {
  const issuer = new Issuer(() => Promise.resolve(documentOf('a')))
  assert.ok(await issuer.knows('a'))
  issuer.answer = () => Promise.reject(new Error('away'))
  issuer.pass(30 * MINUTE)
  assert.ok(await issuer.knows('a'))
  issuer.answer = () => Promise.resolve('<html>')
  issuer.pass(30 * MINUTE - 1)
  assert.ok(await issuer.knows('a'))
  issuer.pass(1)
  assert.ok(!(await issuer.knows('a')))
})
