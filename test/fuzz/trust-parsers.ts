import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { parseHistory } from '../../src/audit/checkpoint/history.ts'
import { parseServerAddress } from '../../src/client/server-address.ts'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { type KeyFormat, importMaterial } from '../../src/crypto/key-formats.ts'
import { KeyMaterial, rawBytes } from '../../src/crypto/key-material.ts'
import { exportPublicKey } from '../../src/crypto/key-object.ts'
import { unwrapAsRecipient, wrapForRecipient } from '../../src/crypto/key-transport.ts'
import { spkiPem } from '../../src/crypto/pem.ts'
import { randomBytes, randomKeyMaterial } from '../../src/crypto/random.ts'
import { unwrapFromSibling, unwrapRoot, wrapForSibling, wrapRoot } from '../../src/crypto/root-link.ts'
import { checkpointSigner, parseCheckpoint } from '../../src/crypto/transparency/checkpoint.ts'
import {
  formatConsistencyProof,
  formatInclusionProof,
  parseConsistencyProof,
  parseInclusionProof,
} from '../../src/crypto/transparency/proof-text.ts'
import {
  formatVerifierKey,
  judgeNote,
  parseVerifierKey,
  verifierKeyOf,
} from '../../src/crypto/transparency/signed-note.ts'
import type { AlgorithmName } from '../../src/model/algorithm-name.ts'
import { KEY_TRANSPORTS } from '../../src/model/coffre-transfer.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { type RootGeneration, toWrapped } from '../../src/model/wrapped.ts'
import { encodeShareSet, parseShareSet, splitSealKey } from '../../src/seal/shamir/split.ts'
import { findForeignFormat } from '../../src/service/diagnosis/foreign-format.ts'
import { KeySet } from '../../src/service/login/key-set.ts'
import { parseLoginRole } from '../../src/service/login/login-role-document.ts'
import type { FuzzedParser } from './parsers.ts'

const ORIGIN = 'coffre/01234567-89ab-4cde-8f01-23456789abcd'
const pair = generateKeyPairSync('ed25519')
const material = new KeyMaterial(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
const verifier = verifierKeyOf(ORIGIN, exportPublicKey(material))
const sign = checkpointSigner(material)
const hash = (byte: number) => Buffer.alloc(32, byte)
const notes = [
  sign({ origin: ORIGIN, size: 17, rootHash: hash(1) }),
  sign({ origin: ORIGIN, size: 301, rootHash: hash(2) }),
  sign({ origin: ORIGIN, size: 20, rootHash: hash(3), restored: { size: 301, rootHash: hash(2) } }),
]
const signedTexts = new Set(notes.map((note) => note.slice(0, note.lastIndexOf('\n\n') + 1)))
const buffers = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text))

function checkpointParsers(): FuzzedParser[] {
  const [first = '', second = ''] = notes
  return [
    {
      name: 'checkpoint',
      seeds: buffers(...notes),
      parse: (input) => {
        const parsed = parseCheckpoint(input.toString('utf8'))
        if (parsed === undefined) return false
        assert.ok(Number.isSafeInteger(parsed.checkpoint.size) && parsed.checkpoint.rootHash.length === 32)
        const isSigned = judgeNote(parsed.note, [verifier]) === 'signed'
        assert.ok(!isSigned || signedTexts.has(parsed.note.text), 'a changed checkpoint is signed')
        return true
      },
    },
    {
      name: 'checkpoint-history',
      seeds: buffers(notes.map((note) => `${note}\n`).join(''), `${first}\n${second}\n`),
      isSlow: true,
      parse: (input) => {
        const { kept } = parseHistory(input.toString('utf8'), [verifier])
        for (const { note, verdict } of kept) {
          const text = note.slice(0, note.lastIndexOf('\n\n') + 1)
          assert.ok(verdict === 'unknown' || signedTexts.has(text), 'a changed checkpoint is signed')
        }
        return true
      },
    },
    {
      name: 'verifier-key',
      seeds: buffers(formatVerifierKey(verifier)),
      parse: (input) => {
        const text = input.toString('utf8')
        const key = parseVerifierKey(text)
        if (key !== undefined) assert.equal(formatVerifierKey(key), text)
        return key !== undefined
      },
    },
  ]
}

function proofParsers(): FuzzedParser[] {
  const [checkpoint = ''] = notes
  const path = [hash(4), hash(5), hash(6)]
  const inclusion = { index: 9, path, checkpoint }
  return [
    {
      name: 'inclusion-proof',
      seeds: buffers(
        formatInclusionProof(inclusion),
        formatInclusionProof({ ...inclusion, extra: Buffer.from('{"v":1}') }),
      ),
      parse: (input) => {
        const text = input.toString('utf8')
        const proof = parseInclusionProof(text)
        if (proof !== undefined) assert.equal(formatInclusionProof(proof), text)
        return proof !== undefined
      },
    },
    {
      name: 'consistency-proof',
      seeds: buffers(formatConsistencyProof({ from: 8, path, checkpoint })),
      parse: (input) => {
        const text = input.toString('utf8')
        const proof = parseConsistencyProof(text)
        if (proof !== undefined) assert.equal(formatConsistencyProof(proof), text)
        return proof !== undefined
      },
    },
  ]
}

/** RSA-OAEP, alone and before AES-KWP. Both open nothing but what was made for them. */
function transportParsers(): FuzzedParser[] {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const recipient = new KeyMaterial(privateKey.export({ format: 'der', type: 'pkcs8' }))
  const pem = spkiPem(exportPublicKey(recipient))
  const inner = randomKeyMaterial(32)
  return KEY_TRANSPORTS.map((transport) => {
    const seed = Buffer.from(wrapForRecipient(pem, inner, transport))
    return {
      name: transport,
      seeds: [seed],
      isSlow: true,
      parse: (input) => {
        const opened = unwrapAsRecipient(recipient, input, transport)
        assert.equal(opened?.equals(inner) === true, input.equals(seed), 'a changed blob opens')
        return opened !== undefined
      },
    }
  })
}

function importParsers(): FuzzedParser[] {
  const signing = pair.privateKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const lock = { cipher: 'aes-256-cbc', passphrase: 'fuzzed' } as const
  const passphrase = Buffer.from(lock.passphrase)
  const oct = JSON.stringify({ kty: 'oct', k: Buffer.from(randomBytes(32)).toString('base64url') })
  const jwkOf = (key: typeof signing) => JSON.stringify(key.export({ format: 'jwk' }))
  const pemOf = (key: typeof signing) => String(key.export({ format: 'pem', type: 'pkcs8' }))
  return [
    importParser('pem', ['ed25519', 'ecdsa-p256', 'rsa-2048'], {
      seeds: buffers(
        pemOf(signing),
        pemOf(ec),
        String(ec.export({ format: 'pem', type: 'sec1' })),
        String(rsa.export({ format: 'pem', type: 'pkcs1' })),
        String(signing.export({ format: 'pem', type: 'pkcs8', ...lock })),
      ),
      passphrase,
    }),
    importParser('der', ['ed25519', 'ecdsa-p256', 'rsa-2048'], {
      seeds: [
        signing.export({ format: 'der', type: 'pkcs8' }),
        ec.export({ format: 'der', type: 'sec1' }),
        rsa.export({ format: 'der', type: 'pkcs1' }),
        signing.export({ format: 'der', type: 'pkcs8', ...lock }),
      ],
      passphrase,
    }),
    importParser('jwk', ['ed25519', 'ecdsa-p256', 'aes256-gcm'], {
      seeds: buffers(jwkOf(signing), jwkOf(ec), oct),
    }),
    importParser('raw', ['aes256-gcm'], { seeds: [Buffer.from(randomBytes(32))] }),
  ]
}

/** What is taken as a key is one by the rules of its row, and is taken again in the form in which it is kept. */
function importParser(
  format: KeyFormat,
  algorithms: readonly AlgorithmName[],
  { seeds, passphrase }: { readonly seeds: readonly Buffer[]; readonly passphrase?: Uint8Array },
): FuzzedParser {
  return {
    name: `import-${format}`,
    seeds,
    isSlow: true,
    parse: (input) => {
      const taken = algorithms.map((name) => {
        const row = algorithmFor(name)
        const read = attempt(() =>
          importMaterial(row, { format, bytes: input, ...(passphrase === undefined ? {} : { passphrase }) }),
        )
        if (read === undefined) return false
        const again = { format: row.publicKey === undefined ? 'raw' : 'der', bytes: rawBytes(read) } as const
        assert.ok(importMaterial(row, again).equals(read), 'another key')
        return true
      })
      return taken.includes(true)
    },
  }
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof CoffreError) return undefined
    throw error
  }
}

function loginParsers(): FuzzedParser[] {
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig' }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' })
  const jwks = JSON.stringify({ keys: [jwk, { ...rsa, kid: 'two', alg: 'RS256' }] })
  const role = { method: 'jwt', issuer: 'https://ci.example', audience: 'coffre', jwks, role: 'app' }
  const bound = { repository: ['shop', 'api'], '/environment/name': ['production'] }
  return [
    {
      name: 'key-set',
      seeds: buffers(jwks),
      parse: (input) => KeySet.parse(input.toString('utf8')) !== undefined,
    },
    {
      name: 'login-role',
      seeds: buffers(
        JSON.stringify({ ...role, boundClaims: bound, ttlSeconds: 300, policies: ['builds'] }),
        JSON.stringify({ method: 'certificate', boundClaims: { cn: ['node-1'] }, role: 'app' }),
      ),
      parse: (input) => {
        const asked = attempt(() => parseJson(input))
        if (asked === undefined) return false
        const rule = parseLoginRole(asked)
        assert.ok(Object.keys(rule.boundClaims).length > 0, 'a role for everybody')
        assert.ok(rule.ttlSeconds >= 60 && rule.ttlSeconds <= 86_400)
        return true
      },
    },
  ]
}

/** As far as the schema of the route goes: it is an object, and what must be there is there. */
function parseJson(input: Buffer): Parameters<typeof parseLoginRole>[0] {
  try {
    const value: unknown = JSON.parse(input.toString('utf8'))
    if (isLoginRole(value)) return value
  } catch {
    // Not JSON.
  }
  throw new CoffreError('INVALID_REQUEST')
}

function isLoginRole(value: unknown): value is Parameters<typeof parseLoginRole>[0] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { boundClaims, policies = [], ...rest } = value as Readonly<Record<string, unknown>>
  const isTextList = (list: unknown) => Array.isArray(list) && list.every((each) => typeof each === 'string')
  const isRecord = typeof boundClaims === 'object' && boundClaims !== null && !Array.isArray(boundClaims)
  const texts = ['issuer', 'audience', 'jwks', 'jwksUrl'].map((name) => rest[name])
  const { algorithms = [] } = rest
  return (
    isRecord &&
    Object.values(boundClaims).every(isTextList) &&
    isTextList(policies) &&
    isTextList(algorithms) &&
    texts.every((text) => text === undefined || typeof text === 'string')
  )
}

async function rootParsers(): Promise<FuzzedParser[]> {
  const sealKey = randomKeyMaterial(32)
  const shares = await splitSealKey(sealKey, { shares: 3, threshold: 2 })
  const [from, to] = [1, 2].map((generation) => ({
    generation: generation as RootGeneration,
    key: randomKeyMaterial(32),
  }))
  assert.ok(from !== undefined && to !== undefined)
  const [link, sibling] = [Buffer.from(wrapRoot(from, to)), Buffer.from(wrapForSibling(sealKey, [from, to]))]
  return [
    {
      name: 'share-set',
      seeds: [Buffer.from(encodeShareSet(shares, sealKey))],
      parse: (input) => {
        const { threshold, count, shareChecks } = parseShareSet(input)
        assert.ok(threshold >= 2 && threshold <= count && shareChecks.length === count)
        return true
      },
    },
    {
      name: 'root-link',
      seeds: [link],
      parse: (input) => {
        const opened = unwrapRoot(from, to.generation, toWrapped(input))
        assert.ok(input.equals(link) && opened.key.equals(to.key), 'a changed link opens')
        return true
      },
    },
    {
      name: 'sibling-roots',
      seeds: [sibling],
      parse: (input) => {
        const opened = unwrapFromSibling(sealKey, toWrapped(input))
        assert.ok(input.equals(sibling) && opened.length === 2, 'a changed message opens')
        return true
      },
    },
  ]
}

function textParsers(): FuzzedParser[] {
  return [
    {
      name: 'foreign-format',
      seeds: buffers(
        'vault:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
        'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA',
        'age-encryption.org/v1\n-> X25519 AAAA\n--- AAAA\n',
        '-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n',
      ),
      parse: (input) => findForeignFormat(input.toString('utf8')) !== undefined,
    },
    {
      name: 'server-address',
      seeds: buffers('https://coffre.example:8200', 'http://127.0.0.1:8200', 'http://[::1]:1/'),
      parse: (input) => {
        const { protocol, username, password, hostname } = parseServerAddress(
          input.toString('utf8'),
          'encrypted-or-loopback',
        )
        assert.equal(username + password, '')
        assert.ok(protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
        return true
      },
    },
  ]
}

/** What came later than the codecs: proofs, logins, keys from elsewhere, and the root of trust. */
export async function makeTrustParsers(): Promise<FuzzedParser[]> {
  return [
    ...checkpointParsers(),
    ...proofParsers(),
    ...transportParsers(),
    ...importParsers(),
    ...loginParsers(),
    ...(await rootParsers()),
    ...textParsers(),
  ]
}
