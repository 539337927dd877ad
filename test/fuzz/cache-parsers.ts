import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { openEntry, sealEntry } from '../../src/crypto/cache-entry.ts'
import { decodeCacheKey, encodeCacheKey, makeCacheKey } from '../../src/crypto/cache-key.ts'
import { randomBytes, randomKeyMaterial } from '../../src/crypto/random.ts'
import { openPart, sealPart } from '../../src/crypto/session-cipher.ts'
import { formatState, parseState } from '../../src/service/cache/cache-state.ts'
import type { SessionKeys } from '../../src/service/sessions/session-keys.ts'
import { readToken, writeToken } from '../../src/service/sessions/session-token.ts'
import type { FuzzedParser } from './parsers.ts'

/** What Valkey gives back: whoever can write there may put anything into it. */
export function makeCacheParsers(): FuzzedParser[] {
  const key = makeCacheKey()
  const place = { user: 'ana', storedName: 'x' }
  const entry = {
    writtenAt: 1_800_000_000,
    expiresAt: 1_800_003_600,
    name: 'day:17',
    value: Buffer.from('kept'),
  }
  const seeds = [entry, { ...entry, value: Buffer.alloc(0) }].map((each) =>
    Buffer.from(sealEntry(key, place, each)),
  )
  return [
    {
      name: 'cache-entry',
      seeds,
      parse: (input) => {
        const opened = openEntry(key, place, input)
        const isOurs = seeds.some((seed) => seed.equals(input))
        assert.equal(typeof opened === 'object', isOurs, 'a changed entry opens')
        return isOurs
      },
    },
    {
      name: 'cache-key',
      seeds: [Buffer.from(encodeCacheKey(key))],
      parse: (input) => {
        const read = decodeCacheKey(input)
        if (read === undefined) return false
        assert.equal(Buffer.compare(encodeCacheKey(read), input), 0)
        return true
      },
    },
    {
      name: 'cache-state',
      seeds: [parseState(undefined), { ...parseState(undefined), unfinished: 'rekey' as const }].map(
        (state) => Buffer.from(formatState(state)),
      ),
      parse: (input) => {
        const state = parseState(input.toString('utf8'))
        assert.deepEqual(parseState(formatState(state)), state)
        return true
      },
    },
  ]
}

/** Signed and encrypted sessions under keys of this test: only what `writeToken` made is one. */
export async function makeSessionParser(): Promise<FuzzedParser> {
  const keys = sessionKeys()
  const forms = ['signed', 'encrypted'] as const
  const made = forms.map((form) =>
    writeToken(keys, { purpose: 'session', form }, { sub: 'ana', exp: 1_800_000_000 }),
  )
  const seeds = (await Promise.all(made)).map((text) => Buffer.from(text))
  return {
    name: 'session-token',
    seeds,
    isSlow: true,
    parse: async (input) => {
      const claims = await readToken(keys, 'session', input.toString('latin1'))
      const isOurs = seeds.some((seed) => seed.equals(input))
      assert.equal(typeof claims === 'object', isOurs, 'a changed token is accepted')
      return isOurs
    },
  }
}

function sessionKeys(): SessionKeys {
  const key = { kid: 'one', algorithm: 'HS256' } as const
  const [secret, material] = [randomBytes(32), randomKeyMaterial(32)]
  const mac = (message: Uint8Array) => createHmac('sha256', secret).update(message).digest()
  return {
    current: async () => key,
    find: async (kid) => (kid === key.kid ? key : undefined),
    sign: async (_kid, _purpose, message) => mac(message),
    verify: async (_kid, _purpose, message, signature) => mac(message).equals(signature),
    cipher: {
      seal: (_kid, _purpose, head, plaintext) => sealPart(material, head, plaintext),
      open: (_kid, _purpose, head, sealed) => openPart(material, head, sealed),
    },
  }
}
