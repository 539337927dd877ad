import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { Secret } from '../../src/model/secret.ts'
import { ATTACKS, SEALED_ATTACK, type Target } from './attacks.ts'
import type { Cost } from './server-probe.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const PROBE = join(import.meta.dirname, 'server-probe.ts')
const TASKSET = '/usr/bin/taskset'
const ATTACKER = join(import.meta.dirname, 'attacker-child.ts')
/** Open loop: a slow answer does not keep the next request from being sent. */
const REQUEST_EVERY_MS = 10

export interface Timing {
  readonly median: number
  readonly p99: number
  /** What the server spent meanwhile. */
  readonly cost: Cost
}

export interface Finding extends Timing {
  readonly attack: string
  /** The same requests alone, right before. */
  readonly idle: Timing
  /** What the attacker got to send. */
  readonly sent: number
  /** Normal requests that did not give back their plaintext. */
  readonly failed: number
  readonly peakMebibytes: number
}

export interface Findings {
  readonly idleMebibytes: number
  readonly attacks: readonly Finding[]
}

export interface AttackOptions {
  /** An empty folder. */
  readonly folder: string
  /** Normal requests while each attack runs. */
  readonly requests: number
  readonly names?: readonly string[]
  /** For times: the machines of a real attacker are not ours, so theirs here yields to everybody, on one core. */
  readonly attackerYields?: boolean
}

/** A server in a process of its own; normal decrypts alone, then beside each attack. */
export async function measureUnderAttack(options: AttackOptions): Promise<Findings> {
  const server = await startServer(options.folder)
  try {
    const coffre = connectCoffre(server.target.url, server.target.appToken)
    const { ciphertext } = await coffre.encrypt({ key: 'normal', plaintext: 'bonjour' })
    const normal = async () => {
      const { plaintext } = await coffre.decrypt({ ciphertext })
      return Buffer.from(plaintext).toString() === 'bonjour'
    }
    const names = ATTACKS.map(({ name }) => name).filter((name) => options.names?.includes(name) ?? true)
    return await measure({ server, normal, ...options }, names)
  } finally {
    server.child.kill('SIGTERM')
    await once(server.child, 'exit')
  }
}

/** The same for a server that is sealed by a passphrase: whoever asks how it is gets an answer. */
export async function measureWhileSealed(options: AttackOptions): Promise<Findings> {
  const server = await startServer(options.folder)
  try {
    const admin = connectCoffre(server.target.url, server.target.adminToken)
    await admin.operator.ceremonies.begin({
      kind: 'rekey',
      seal: { provider: 'passphrase', passphrase: new Secret('correct horse battery staple') },
    })
    await admin.operator.seal()
    const normal = async () => (await admin.operator.status()).sealed
    return await measure({ server, normal, ...options }, [SEALED_ATTACK.name])
  } finally {
    server.child.kill('SIGTERM')
    await once(server.child, 'exit')
  }
}

async function measure(measured: Measured, names: readonly string[]): Promise<Findings> {
  await sendNormal(measured) // warms up
  const idleMebibytes = readPeak(measured.server.pid)
  const attacks: Finding[] = []
  for (const name of names) attacks.push(await measureOne(name, measured))
  return { idleMebibytes, attacks }
}

interface Server {
  readonly child: ChildProcess
  readonly pid: number
  readonly target: Target
}

async function startServer(folder: string): Promise<Server> {
  const args = ['--import', PROBE, MAIN, 'serve', '--port', '0', '--json', '--data-dir', folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] })
  if (child.stdout === null) throw new Error('unreachable: stdout is a pipe')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  const { url, firstTokenFile } = JSON.parse(line) as { url: string; firstTokenFile: string }
  const adminToken = readFileSync(firstTokenFile, 'utf8').trim()
  const admin = connectCoffre(url, adminToken)
  await admin.keys.create({ name: 'normal' })
  const appToken = (await admin.tokens.create({ name: 'app', role: 'app' })).token.reveal()
  return { child, pid: child.pid ?? 0, target: { url, appToken, adminToken } }
}

interface Measured {
  readonly server: Server
  /** One request as an honest user sends it; false when its answer is wrong. */
  readonly normal: () => Promise<boolean>
  readonly requests: number
  readonly attackerYields?: boolean
}

/** Yielding does not keep it from filling the server's sockets. */
function spawnAttacker(name: string, { server: { target }, attackerYields = false }: Measured) {
  const attacker = [process.execPath, ATTACKER, name, JSON.stringify(target)]
  const cores = availableParallelism()
  const pinned = cores > 1 && existsSync(TASKSET) ? [TASKSET, '-c', String(cores - 1)] : []
  const yielding = attackerYields ? [...pinned, 'nice', '-n', '19'] : []
  const [command = '', ...args] = [...yielding, ...attacker]
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
}

async function measureOne(name: string, measured: Measured): Promise<Finding> {
  const { pid } = measured.server
  const alone = await sendNormal(measured)
  const attacker = spawnAttacker(name, measured)
  const lines = createInterface({ input: attacker.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'begun') throw new Error(`the attacker did not begin: ${name}`)
  const { timing, failed } = await sendNormal(measured)
  attacker.stdin.end()
  const sent = Number((await lines.next()).value)
  return { attack: name, ...timing, idle: alone.timing, sent, failed, peakMebibytes: readPeak(pid) }
}

async function sendNormal({ server, normal, requests }: Measured) {
  const times: number[] = []
  let failed = 0
  const send = async () => {
    const start = performance.now()
    if (!(await normal().catch(() => false))) failed += 1
    times.push(performance.now() - start)
  }
  const under: Promise<void>[] = []
  await takeCost(server)
  for (let request = 0; request < requests; request += 1) {
    under.push(send())
    await setTimeout(REQUEST_EVERY_MS)
  }
  await Promise.all(under)
  return { timing: { ...summarize(times), cost: await takeCost(server) }, failed }
}

/** Since it was last taken. */
async function takeCost({ child }: Server): Promise<Cost> {
  child.send('cost')
  const [cost] = (await once(child, 'message')) as [Cost]
  return cost
}

function summarize(times: readonly number[]) {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  return { median: at(0.5), p99: at(0.99) }
}

/** Peak resident memory of the process so far. Linux only. */
function readPeak(pid: number): number {
  const kibibytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kibibytes) / 1024)
}
