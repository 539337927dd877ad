import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoffre } from '../src/app.ts'
import type { VersionKey } from '../src/crypto/algorithm.ts'
import { nativeEncryption } from '../src/crypto/ciphertext.ts'
import { randomKeyMaterial } from '../src/crypto/random.ts'
import { DEFAULT_TENANT, parseKeyId, parseVersionNumber } from '../src/model/ids.ts'

// Coffre's ciphertext against bare AES-256-GCM of node:crypto on the same text form: once as the format alone,
// once through openCoffre with its checks, counters and durable audit. Alternating rounds, CPU time per value
// (garbage collection included), median.

const SIZES = [32, 256, 4096]
const ROUNDS = 7
const VALUES = 4_000
const BATCH = 1_000
const IN_FLIGHT = 64
const ALONE = 50
const CONTEXT = { table: 'invoice', column: 'iban' }
const AAD = Buffer.from(JSON.stringify(CONTEXT))

type Verb = 'encrypt' | 'decrypt'
type Work = (values: number) => Promise<void> | void

const bareKey = createSecretKey(randomBytes(32))

function encryptBare(plaintext: Uint8Array): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', bareKey, nonce)
  cipher.setAAD(AAD)
  const sealed = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(sealed).toString('base64url')
}

function decryptBare(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', bareKey, bytes.subarray(0, 12))
  decipher.setAAD(AAD)
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
}

const versionKey: VersionKey = {
  tenant: DEFAULT_TENANT,
  keyId: parseKeyId(randomUUID()),
  version: parseVersionNumber(1),
  purpose: 'encrypt',
  material: randomKeyMaterial(32),
}
const folder = await mkdtemp(join(tmpdir(), 'coffre-bench-'))
const coffre = await openCoffre({ dataDir: folder, createIfMissing: true })
await coffre.keys.create({ name: 'bench' })

async function makeWorks(verb: Verb, bytes: number): Promise<ReadonlyMap<string, Work>> {
  const plaintext = randomBytes(bytes)
  const message = { plaintext, context: CONTEXT }
  const [sealed = ''] = nativeEncryption.sealMany(versionKey, [message])
  const bareText = encryptBare(plaintext)
  const bare = verb === 'encrypt' ? () => encryptBare(plaintext) : () => decryptBare(bareText)
  const format = (count: number) => {
    if (verb === 'encrypt') {
      const messages = Array.from({ length: count }, () => message)
      return () => nativeEncryption.sealMany(versionKey, messages)
    }
    const messages = Array.from({ length: count }, () => ({ ciphertext: sealed, context: CONTEXT }))
    return () => nativeEncryption.openMany(versionKey, messages)
  }
  const request = { key: 'bench', ...message }
  const stored = { ...(await coffre.encrypt(request)), context: CONTEXT }
  const one = verb === 'encrypt' ? () => coffre.encrypt(request) : () => coffre.decrypt(stored)
  const batch =
    verb === 'encrypt'
      ? () =>
          coffre.batch(
            'encrypt',
            Array.from({ length: BATCH }, () => request),
          )
      : () =>
          coffre.batch(
            'decrypt',
            Array.from({ length: BATCH }, () => stored),
          )
  return new Map<string, Work>([
    ['bare', (values) => repeat(values, bare)],
    ['format', (values) => repeat(values, format(1))],
    [`format, batch of ${BATCH}`, (values) => repeat(values / BATCH, format(BATCH))],
    [`coffre, ${IN_FLIGHT} in flight`, (values) => inFlight(values, one)],
    [`coffre, batch of ${BATCH}`, (values) => inFlight(values / BATCH, batch, 1)],
  ])
}

function repeat(times: number, run: () => unknown): void {
  for (let time = 0; time < times; time += 1) run()
}

async function inFlight(times: number, run: () => Promise<unknown>, width = IN_FLIGHT): Promise<void> {
  let left = times
  const work = async () => {
    for (; left > 0; left -= 1) await run()
  }
  await Promise.all(Array.from({ length: width }, work))
}

/** Microseconds of CPU time and of waiting, per value. */
async function measure(work: Work, values: number): Promise<{ cpu: number; wall: number }> {
  globalThis.gc?.()
  const [cpu, startedAt] = [process.cpuUsage(), performance.now()]
  await work(values)
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / values, wall: ((performance.now() - startedAt) * 1_000) / values }
}

async function compare(verb: Verb, bytes: number): Promise<void> {
  const works = await makeWorks(verb, bytes)
  const rounds = new Map([...works.keys()].map((name): [string, number[]] => [name, []]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, work] of works) {
      const { cpu } = await measure(work, VALUES)
      if (round > 0) rounds.get(name)?.push(cpu) // round 0 warms up
    }
  }
  const bare = median(rounds.get('bare') ?? [])
  const cells = [...rounds].map(([name, values]) => {
    const value = median(values)
    return name === 'bare'
      ? `bare ${value.toFixed(2)}`
      : `${name} ${value.toFixed(2)} (${(value / bare).toFixed(2)})`
  })
  console.log(`${verb} ${bytes} B: ${cells.join(' · ')}`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

try {
  console.log(`µs of CPU per value, median of ${ROUNDS} rounds; in brackets how many times bare node:crypto`)
  for (const verb of ['encrypt', 'decrypt'] as const) {
    for (const bytes of SIZES) await compare(verb, bytes)
  }
  const request = { key: 'bench', plaintext: randomBytes(256) }
  const alone = await measure((values) => inFlight(values, () => coffre.encrypt(request), 1), ALONE)
  const together = await measure((values) => inFlight(values, () => coffre.encrypt(request)), VALUES)
  console.log(
    `one after another, each waits for its audit record: ${(alone.wall / 1_000).toFixed(2)} ms each`,
  )
  console.log(
    `${IN_FLIGHT} in flight share a commit: ${Math.round(1e6 / together.wall).toLocaleString('en')} a second`,
  )
} finally {
  await coffre.close()
  await rm(folder, { recursive: true })
}
