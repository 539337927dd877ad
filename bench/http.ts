import { spawn } from 'node:child_process'
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, createServer, request as sendRequest } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { serve } from '../src/app.ts'
import { connectCoffre } from '../src/client/connect-coffre.ts'

// HTTP encrypt with durable audit against the least that node:http can do: parse the JSON, one bare AES-256-GCM,
// answer; no token, no audit, no key of its own. Each server is a process of its own and tells its CPU time; the
// load comes from this one, 64 keep-alive connections, alternating rounds, median.

const CONNECTIONS = 64
const ROUND_REQUESTS = 6_000
const BATCH_REQUESTS = 300
const BATCH_ITEMS = 100
const ROUNDS = 5
const PLAINTEXT = Buffer.alloc(256, 'x').toString('base64')

interface Target {
  readonly name: string
  readonly url: string
  readonly token: string
  /** Microseconds of CPU that the server has used so far. */
  cpu(): Promise<number>
  stop(): void
}

const role = process.argv[2]
if (role === 'bare') startBare()
else if (role === 'coffre') await startCoffre(process.argv[3] ?? '')
else await compare()

function startBare(): void {
  const key = createSecretKey(randomBytes(32))
  const encrypt = (text: string): string => {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    const body = cipher.update(Buffer.from(text, 'base64'))
    return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]).toString('base64')
  }
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces).toString())
      const answer = body.items
        ? {
            items: body.items.map((item: { plaintext: string }) => ({ ciphertext: encrypt(item.plaintext) })),
          }
        : { ciphertext: encrypt(body.plaintext) }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  server.listen(0, '127.0.0.1', () => report(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
}

async function startCoffre(dataDir: string): Promise<void> {
  const server = await serve({ dataDir, createIfMissing: true, host: '127.0.0.1', port: 0, logLevel: 'warn' })
  report(server.url)
}

/** One line with the address, then the CPU time for every line that comes in. */
function report(url: string): void {
  console.log(url)
  createInterface({ input: process.stdin }).on('line', () => {
    const { user, system } = process.cpuUsage()
    console.log(user + system)
  })
}

async function startTarget(name: string, args: readonly string[], tokenFile?: string): Promise<Target> {
  const child = spawn(process.execPath, [import.meta.filename, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const url = String((await lines.next()).value)
  const token = tokenFile === undefined ? '' : readFileSync(tokenFile, 'utf8').trim()
  return {
    name,
    url,
    token,
    cpu: async () => {
      child.stdin.write('\n')
      return Number((await lines.next()).value)
    },
    stop: () => child.kill(),
  }
}

interface Load {
  readonly path: string
  readonly body: string
  readonly requests: number
  readonly items: number
}

interface Result {
  readonly perSecond: number
  /** Microseconds of the server's CPU for each item. */
  readonly cpu: number
}

async function measure(target: Target, load: Load): Promise<Result> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  let left = load.requests
  const before = await target.cpu()
  const start = performance.now()
  const worker = async () => {
    while (left > 0) {
      left -= 1
      await post(target, load, agent)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  const seconds = (performance.now() - start) / 1_000
  const cpu = (await target.cpu()) - before
  agent.destroy()
  const items = load.requests * load.items
  return { perSecond: items / seconds, cpu: cpu / items }
}

function post(target: Target, load: Load, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(load.body),
      authorization: `Bearer ${target.token}`,
    }
    const sent = sendRequest(`${target.url}${load.path}`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
      )
    })
    sent.on('error', reject)
    sent.end(load.body)
  })
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'))
  const targets = [
    await startTarget('bare node:http', ['bare']),
    await startTarget('coffre', ['coffre', folder], join(folder, 'first-token')),
  ]
  try {
    const [, coffre] = targets
    await connectCoffre(coffre!.url, coffre!.token).keys.create({ name: 'bench' })
    const item = { key: 'bench', plaintext: PLAINTEXT }
    await compareLoad(targets, 'one value of 256 bytes', {
      path: '/api/v1/encrypt',
      body: JSON.stringify(item),
      requests: ROUND_REQUESTS,
      items: 1,
    })
    await compareLoad(targets, `a batch of ${BATCH_ITEMS}`, {
      path: '/api/v1/encrypt/batch',
      body: JSON.stringify({ items: Array.from({ length: BATCH_ITEMS }, () => item) }),
      requests: BATCH_REQUESTS,
      items: BATCH_ITEMS,
    })
  } finally {
    for (const target of targets) target.stop()
    rmSync(folder, { recursive: true })
  }
}

async function compareLoad(targets: readonly Target[], title: string, load: Load): Promise<void> {
  const results = new Map<string, Result[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const target of targets) {
      const result = await measure(target, load)
      if (round > 0) results.get(target.name)?.push(result) // the first round only warms up
    }
  }
  console.log(`\n${title}`)
  const bare = summarize(results.get('bare node:http') ?? [])
  for (const { name } of targets) {
    const { perSecond, cpu } = summarize(results.get(name) ?? [])
    const ratios = `${(perSecond / bare.perSecond).toFixed(2)} x rate, ${(cpu / bare.cpu).toFixed(2)} x CPU`
    console.log(
      `${name.padEnd(16)} ${Math.round(perSecond).toLocaleString('en').padStart(8)} items/s  ${cpu.toFixed(1).padStart(6)} µs CPU/item  ${ratios}`,
    )
  }
}

function summarize(results: readonly Result[]): Result {
  const middle = (values: readonly number[]) =>
    values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
  return {
    perSecond: middle(results.map((result) => result.perSecond)),
    cpu: middle(results.map((result) => result.cpu)),
  }
}
