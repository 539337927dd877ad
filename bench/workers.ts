import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request as sendRequest } from 'node:http'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connectCoffre } from '../src/client/connect-coffre.ts'

// Encrypt over HTTP with durable audit by 1, 2 and 4 worker processes on one address, as ratios to one process.
// The load comes from this process, on the same cores: rates stop growing where the cores are used up, so the CPU of
// the servers for each item stands beside them.

const WORKERS = [1, 2, 4]
const CONNECTIONS = 64
const SINGLE_REQUESTS = 8_000
const BATCH_REQUESTS = 400
const BATCH_ITEMS = 100
const ROUNDS = 3
const CLOCK_TICKS_PER_SECOND = 100 // sysconf(_SC_CLK_TCK) on Linux
const PLAINTEXT = Buffer.alloc(256, 'x').toString('base64')
const MAIN = join(import.meta.dirname, '../src/cli/main.ts')

interface Load {
  readonly title: string
  readonly path: string
  readonly body: string
  readonly requests: number
  readonly items: number
}

const ITEM = { key: 'bench', plaintext: PLAINTEXT }
const LOADS: readonly Load[] = [
  {
    title: 'one value of 256 bytes',
    path: '/api/v1/encrypt',
    body: JSON.stringify(ITEM),
    requests: SINGLE_REQUESTS,
    items: 1,
  },
  {
    title: `a batch of ${BATCH_ITEMS}`,
    path: '/api/v1/encrypt/batch',
    body: JSON.stringify({ items: Array.from({ length: BATCH_ITEMS }, () => ITEM) }),
    requests: BATCH_REQUESTS,
    items: BATCH_ITEMS,
  },
]

interface Running {
  readonly child: ChildProcess
  readonly url: string
  readonly token: string
}

interface Result {
  readonly perSecond: number
  /** Microseconds of all server processes for each item. */
  readonly cpu: number
}

async function main(): Promise<void> {
  console.log(`${availableParallelism()} cores, shared with the load`)
  const results = new Map<string, Result>()
  for (const workers of WORKERS) {
    const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'))
    const server = await start(folder, workers)
    try {
      await connectCoffre(server.url, server.token).keys.create({ name: 'bench' })
      for (const load of LOADS) results.set(`${load.title}/${workers}`, await measureMedian(server, load))
    } finally {
      server.child.kill('SIGTERM')
      await once(server.child, 'exit')
      rmSync(folder, { recursive: true })
    }
  }
  for (const load of LOADS) report(load, results)
}

async function start(folder: string, workers: number): Promise<Running> {
  const args = ['serve', '--port', '0', '--json', '--data-dir', folder, '--workers', String(workers)]
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url, firstTokenFile } = JSON.parse(line) as { url: string; firstTokenFile: string }
  return { child, url, token: readFileSync(firstTokenFile, 'utf8').trim() }
}

async function measureMedian(server: Running, load: Load): Promise<Result> {
  const measured: Result[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const result = await measure(server, load)
    if (round > 0) measured.push(result) // the first round only warms up
  }
  const middle = (values: readonly number[]) =>
    values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
  return {
    perSecond: middle(measured.map(({ perSecond }) => perSecond)),
    cpu: middle(measured.map(({ cpu }) => cpu)),
  }
}

async function measure(server: Running, load: Load): Promise<Result> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  let left = load.requests
  const before = cpuOf(server.child.pid ?? 0)
  const started = performance.now()
  const sendOn = async () => {
    while (left > 0) {
      left -= 1
      await post(server, load, agent)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, sendOn))
  const seconds = (performance.now() - started) / 1_000
  const cpu = cpuOf(server.child.pid ?? 0) - before
  agent.destroy()
  const items = load.requests * load.items
  return { perSecond: items / seconds, cpu: (cpu * 1_000_000) / items }
}

function post(server: Running, load: Load, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(load.body),
      authorization: `Bearer ${server.token}`,
    }
    const sent = sendRequest(`${server.url}${load.path}`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
      )
    })
    sent.on('error', reject)
    sent.end(load.body)
  })
}

/** Seconds of CPU of a process and of its children so far. Linux only. */
function cpuOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  const family = [String(pid), ...children]
  const ticks = family.flatMap((each) =>
    readdirSync(`/proc/${each}/task`).map((task) => {
      const fields = readFileSync(`/proc/${each}/task/${task}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return Number(fields[11]) + Number(fields[12]) // utime and stime, proc(5)
    }),
  )
  return ticks.reduce((sum, each) => sum + each, 0) / CLOCK_TICKS_PER_SECOND
}

function report(load: Load, results: ReadonlyMap<string, Result>): void {
  console.log(`\n${load.title}`)
  const one = results.get(`${load.title}/1`)
  for (const workers of WORKERS) {
    const result = results.get(`${load.title}/${workers}`)
    if (result === undefined || one === undefined) throw new Error('unreachable: every load was measured')
    const rate = Math.round(result.perSecond).toLocaleString('en').padStart(8)
    const ratios = `${(result.perSecond / one.perSecond).toFixed(2)} x rate, ${(result.cpu / one.cpu).toFixed(2)} x CPU`
    console.log(
      `${workers} workers  ${rate} items/s  ${result.cpu.toFixed(1).padStart(6)} µs CPU/item  ${ratios}`,
    )
  }
}

await main()
