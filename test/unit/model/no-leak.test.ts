import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import pino from 'pino'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'

const CANARY = 'canary-7f3a9c51-do-not-show-me!!'
const BYTES = Buffer.from(CANARY)

/** Every spelling in which the bytes of the canary could come out. */
const SPELLINGS = [
  CANARY,
  BYTES.toString('hex'),
  BYTES.toString('base64').slice(0, 40),
  BYTES.toString('base64url').slice(0, 40),
  BYTES.subarray(0, 10).join(','),
  BYTES.toString('hex', 0, 10),
]

function collect(write: (stream: Writable) => void): string {
  let text = ''
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      text += piece.toString()
      done()
    },
  })
  write(stream)
  return text
}

function attempt(work: () => unknown): string {
  try {
    return String(work())
  } catch (error) {
    return inspect(error, { depth: 10 })
  }
}

/** Ways in which a value leaves by mistake; each gives what would be seen. */
const CHANNELS: Readonly<Record<string, (value: object) => string>> = {
  String: (value) => String(value as unknown as string),
  'a template literal': (value) => `${value as unknown as string}`,
  concatenation: (value) => '' + (value as unknown as string),
  'a number': (value) => String(Number(value)),
  'JSON.stringify': (value) => JSON.stringify(value),
  'JSON of a member': (value) => JSON.stringify({ deep: [{ value }] }),
  inspect: (value) => inspect(value),
  'inspect with everything': (value) =>
    inspect(value, {
      showHidden: true,
      customInspect: false,
      depth: Infinity,
      getters: true,
      showProxy: true,
    }),
  'inspect of a member': (value) => inspect({ deep: { value } }, { depth: 9, showHidden: true }),
  format: (value) => format('%s %o %O %j %d', value, value, value, value, value),
  'console.log': (value) => collect((stream) => new Console(stream).log(value, { value }, [value])),
  'console.dir': (value) =>
    collect((stream) => new Console(stream).dir(value, { showHidden: true, depth: 9 })),
  'console.table': (value) => collect((stream) => new Console(stream).table([value])),
  'a pino log': (value) =>
    collect((stream) =>
      pino({ level: 'trace' }, stream).trace({ value, err: new Error('x', { cause: value }) }),
    ),
  spread: (value) => inspect({ ...value }, { showHidden: true }),
  'Object.entries': (value) => inspect(Object.entries(value)),
  'Object.assign': (value) => inspect(Object.assign({}, value)),
  'for in': (value) => {
    const names: string[] = []
    for (const name in value) names.push(name, String(Reflect.get(value, name)))
    return names.join()
  },
  'own names and symbols': (value) =>
    Reflect.ownKeys(value)
      .map((name) => `${String(name)} ${inspect(Reflect.get(value, name))}`)
      .join(),
  'names of its class': (value) =>
    inspect(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value)), { showHidden: true, depth: 4 }),
  structuredClone: (value) => attempt(() => inspect(structuredClone(value), { showHidden: true })),
  'v8.serialize': (value) => attempt(() => serialize(value).toString('latin1')),
  iteration: (value) => attempt(() => inspect([...(value as unknown as Iterable<unknown>)])),
  'Array.from': (value) => inspect(Array.from(value as ArrayLike<unknown>)),
  'Buffer.from': (value) => attempt(() => Buffer.from(value as unknown as string).toString('latin1')),
  'the cause of an error': (value) => {
    const error = new CoffreError('INTERNAL', { cause: value })
    return inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + String(error.stack)
  },
  'a thrown value': (value) => attempt(() => assert.deepEqual(value, { something: 'else' })),
}

test('the spellings find the canary where it is not protected', () => {
  const bare = { value: CANARY, bytes: new Uint8Array(BYTES) }
  assert.ok(shows(JSON.stringify(bare)))
  assert.ok(shows(inspect(bare.bytes)))
  assert.ok(shows(inspect(BYTES)))
  assert.ok(shows(BYTES.toString('base64url')))
})

function shows(text: string): boolean {
  // Arrays are shown in columns and buffers in pairs.
  const dense = text.replaceAll(/\s/g, '')
  return SPELLINGS.some((spelling) => dense.includes(spelling))
}

const HOLDERS: Readonly<Record<string, () => object>> = {
  KeyMaterial: () => new KeyMaterial(BYTES),
  'KeyMaterial in use': () => {
    const material = new KeyMaterial(BYTES)
    material.secretKey()
    return material
  },
  'a Secret of text': () => new Secret(CANARY),
  'a Secret of bytes': () => new Secret(new Uint8Array(BYTES)),
}

for (const [name, make] of Object.entries(HOLDERS)) {
  describe(`${name} does not leak by`, () => {
    for (const [channel, show] of Object.entries(CHANNELS)) {
      test(channel, () => assert.equal(shows(show(make())), false))
    }
  })
}

test('a secret comes out by its own door only', () => {
  assert.equal(new Secret(CANARY).reveal(), CANARY)
})

test('wiped material is no key of zeros', () => {
  const material = new KeyMaterial(BYTES)
  material.wipe()
  assert.throws(() => material.secretKey(), CoffreError)
  assert.throws(() => material.equals(new KeyMaterial(BYTES)), CoffreError)
})
