import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoffre } from '../src/app.ts'
import type { VersionKey } from '../src/crypto/algorithm.ts'
import { nativeEncryption } from '../src/crypto/ciphertext.ts'
import { randomKeyMaterial } from '../src/crypto/random.ts'
import { DEFAULT_TENANT, parseKeyId, parseVersionNumber } from '../src/model/ids.ts'

// Coffre's ciphertext against bare AES-256-GCM with a random nonce on node:crypto, which binds and commits to
// nothing and names no key. Alternating rounds, CPU time per value (garbage collection included), median.

const SIZES = [32, 256, 4_096]
const BATCH = 1_000
const ROUNDS = 7
const PARALLEL = 64
const ALONE = 200
const CONTEXT = { table: 'person', column: 'name' }

const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'))
const coffre = await openCoffre({ dataDir: folder, createIfMissing: true })
await coffre.keys.create({ name: 'bench' })

const bareKey = createSecretKey(randomBytes(32))
const versionKey: VersionKey = {
  tenant: DEFAULT_TENANT,
  keyId: parseKeyId(randomUUID()),
  version: parseVersionNumber(1),
  purpose: 'encrypt',
  material: randomKeyMaterial(32),
}

/** Does `count` values. */
type Work = (count: number) => Promise<void> | void

function bareEncrypt(plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', bareKey, nonce, { authTagLength: 16 })
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function bareDecrypt(sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', bareKey, sealed.subarray(0, 12), { authTagLength: 16 })
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
}

async function casesFor(bytes: number): Promise<Readonly<Record<string, Work>>> {
  const plaintext = randomBytes(bytes)
  const message = { plaintext, context: CONTEXT }
  const request = { key: 'bench', ...message }
  const bare = bareEncrypt(plaintext)
  const [native = ''] = nativeEncryption.sealMany(versionKey, [message])
  const { ciphertext } = await coffre.encrypt(request)
  const sealed = { ciphertext, context: CONTEXT }
  return {
    'bare encrypt': repeat(() => bareEncrypt(plaintext)),
    'format encrypt': repeat(() => nativeEncryption.sealMany(versionKey, [message])),
    'format encrypt, batch': repeatBatch((size) =>
      nativeEncryption.sealMany(versionKey, fill(size, message)),
    ),
    'audited encrypt, 64 at once': repeatParallel(() => coffre.encrypt(request)),
    'audited encrypt, batch': repeatBatch((size) => coffre.batch('encrypt', fill(size, request))),
    'bare decrypt': repeat(() => bareDecrypt(bare)),
    'format decrypt': repeat(() =>
      nativeEncryption.openMany(versionKey, [{ ciphertext: native, context: CONTEXT }]),
    ),
    'audited decrypt, 64 at once': repeatParallel(() => coffre.decrypt(sealed)),
    'audited decrypt, batch': repeatBatch((size) => coffre.batch('decrypt', fill(size, sealed))),
  }
}

function repeat(once: () => unknown): Work {
  return (count) => {
    for (let done = 0; done < count; done += 1) once()
  }
}

function repeatBatch(run: (size: number) => unknown): Work {
  return async (count) => {
    for (let done = 0; done < count; done += BATCH) await run(Math.min(BATCH, count - done))
  }
}

function repeatParallel(once: () => Promise<unknown>): Work {
  return async (count) => {
    for (let done = 0; done < count; done += PARALLEL) {
      await Promise.all(Array.from({ length: PARALLEL }, once))
    }
  }
}

function fill<Item>(size: number, item: Item): Item[] {
  return Array.from({ length: size }, () => item)
}

async function measureMicroseconds(work: Work, count: number): Promise<number> {
  const start = process.cpuUsage()
  await work(count)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / count
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

for (const bytes of SIZES) {
  const cases = Object.entries(await casesFor(bytes))
  const count = bytes > 1_000 ? 2_000 : 4_000
  const times = new Map<string, number[]>(cases.map(([name]) => [name, []]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, work] of cases) {
      const microseconds = await measureMicroseconds(work, count)
      if (round > 0) times.get(name)?.push(microseconds) // the first round only warms up
    }
  }
  console.log(`\n${bytes} bytes`)
  for (const [name] of cases) {
    const bare = median(times.get(name.includes('encrypt') ? 'bare encrypt' : 'bare decrypt') ?? [])
    const own = median(times.get(name) ?? [])
    console.log(`${name.padEnd(30)} ${own.toFixed(2).padStart(8)} µs  ${(own / bare).toFixed(2)} x bare`)
  }
}

/** How long a caller waits who sends one value after another, and how many go through when 64 share a commit. */
async function measureWaiting(): Promise<void> {
  const encrypt = () => coffre.encrypt({ key: 'bench', plaintext: randomBytes(256) })
  const alone = await measureWall(ALONE, async () => {
    for (let done = 0; done < ALONE; done += 1) await encrypt()
  })
  const count = 100 * PARALLEL
  const together = await measureWall(count, async () => repeatParallel(encrypt)(count))
  console.log(`\none after another: ${(alone / 1_000).toFixed(2)} ms each`)
  console.log(`${PARALLEL} at once: ${Math.round(1e6 / together).toLocaleString('en')} a second`)
}

async function measureWall(count: number, run: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await run()
  return ((performance.now() - start) * 1_000) / count
}

await measureWaiting()
await coffre.close()
rmSync(folder, { recursive: true })
