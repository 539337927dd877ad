import { type ChildProcess, fork } from 'node:child_process'
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '../src/app.ts'
import { connectCoffre } from '../src/client/connect-coffre.ts'

// POST /api/v1/encrypt with token, checks and durable audit, against a bare node:http server that does the same
// createCipheriv without any of it. Servers and load run in processes of their own; rounds alternate; the CPU
// time is the server's, per request, median.

const ROUNDS = 5
const CONNECTIONS = 64
const VALUE_BYTES = 256
const BATCH = 100
const SHAPES = [
  { name: 'single', path: '/api/v1/encrypt', requests: 4_000, items: 1 },
  { name: `batch of ${BATCH}`, path: '/api/v1/encrypt/batch', requests: 300, items: BATCH },
] as const

interface Job {
  readonly url: string
  readonly token: string
  readonly body: string
  readonly requests: number
}

interface Encrypt {
  readonly plaintext: string
}

const key = createSecretKey(randomBytes(32))

function encryptBare(plaintext: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = [nonce, cipher.update(plaintext, 'base64'), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(sealed).toString('base64url')
}

async function serveBare(): Promise<void> {
  const server = createServer((incoming, answer) => {
    void readBody(incoming).then((text) => {
      const body = JSON.parse(text) as Encrypt & { readonly items?: readonly Encrypt[] }
      const result = body.items
        ? {
            items: body.items.map((item) => ({
              ok: true,
              value: { ciphertext: encryptBare(item.plaintext) },
            })),
          }
        : { ciphertext: encryptBare(body.plaintext) }
      const json = JSON.stringify(result)
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) })
      answer.end(json)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  reportAs(`http://127.0.0.1:${port}`, 'none')
}

async function serveCoffre(folder: string): Promise<void> {
  const choice = { host: '127.0.0.1', port: 0, logLevel: 'warn', createIfMissing: true }
  const server = await serve({ ...choice, dataDir: folder })
  const token = (await readFile(server.firstTokenFile, 'utf8')).trim()
  await connectCoffre(server.url, token).keys.create({ name: 'bench' })
  reportAs(server.url, token)
}

/** Says where the server is, then answers each question with the CPU time that it has used, in microseconds. */
function reportAs(url: string, token: string): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
  process.send?.({ url, token })
}

async function readBody(stream: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

/** Answers each job with the seconds that it took. */
function generateLoad(): void {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  process.on('message', (job: Job) => {
    const startedAt = performance.now()
    let left = job.requests
    const work = async () => {
      for (; left > 0; left -= 1) await post(agent, job)
    }
    void Promise.all(Array.from({ length: CONNECTIONS }, work)).then(() => {
      process.send?.((performance.now() - startedAt) / 1_000)
    })
  })
}

function post(agent: Agent, { url, token, body }: Job): Promise<void> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`))
      answer.on('end', resolve).resume()
    })
    outgoing.on('error', reject).end(body)
  })
}

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly token: string
}

async function start(role: string, folder: string): Promise<Started> {
  const child = fork(import.meta.filename, [role, folder])
  const [{ url, token }] = (await once(child, 'message')) as [{ url: string; token: string }]
  return { child, url, token }
}

async function ask(child: ChildProcess, question: object): Promise<number> {
  const answered = once(child, 'message')
  child.send(question)
  const [answer] = (await answered) as [number]
  return answer
}

interface Measured {
  readonly cpu: number[]
  readonly rate: number[]
}

async function compare(
  servers: ReadonlyMap<string, Started>,
  load: ChildProcess,
  shape: (typeof SHAPES)[number],
) {
  const item = { key: 'bench', plaintext: randomBytes(VALUE_BYTES).toString('base64') }
  const body = JSON.stringify(
    shape.items === 1 ? item : { items: Array.from({ length: shape.items }, () => item) },
  )
  const measured = new Map(
    [...servers.keys()].map((name): [string, Measured] => [name, { cpu: [], rate: [] }]),
  )
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, { child, url, token }] of servers) {
      const before = await ask(child, {})
      const seconds = await ask(load, { url: url + shape.path, token, body, requests: shape.requests })
      const cpu = ((await ask(child, {})) - before) / shape.requests
      if (round === 0) continue // it warms up
      measured.get(name)?.cpu.push(cpu)
      measured.get(name)?.rate.push(shape.requests / seconds)
    }
  }
  print(shape, measured)
}

function print(shape: (typeof SHAPES)[number], measured: ReadonlyMap<string, Measured>): void {
  const bare = median(measured.get('bare')?.cpu ?? [])
  const cells = [...measured].map(([name, { cpu, rate }]) => {
    const ratio = name === 'bare' ? '' : ` (${(median(cpu) / bare).toFixed(2)})`
    return `${name} ${median(cpu).toFixed(1)} µs${ratio}, ${Math.round(median(rate)).toLocaleString('en')} requests/s`
  })
  console.log(`encrypt ${VALUE_BYTES} B, ${shape.name}: ${cells.join(' · ')}`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-bench-'))
  const servers = new Map([
    ['bare', await start('bare', folder)],
    ['coffre', await start('coffre', folder)],
  ])
  const load = fork(import.meta.filename, ['load'])
  try {
    console.log(`${CONNECTIONS} connections; µs of the server's CPU per request, median of ${ROUNDS} rounds`)
    for (const shape of SHAPES) await compare(servers, load, shape)
  } finally {
    for (const child of [load, ...[...servers.values()].map((each) => each.child)]) child.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

const [role = 'main', folder = ''] = process.argv.slice(2)
if (role === 'bare') await serveBare()
else if (role === 'coffre') await serveCoffre(folder)
else if (role === 'load') generateLoad()
else await main()
