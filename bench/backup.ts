import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { makeBackupKey } from '../src/crypto/backup-body.ts'
import { Sha256 } from '../src/crypto/digest.ts'
import { randomUuidV7 } from '../src/crypto/random.ts'
import { BodySealing } from '../src/service/backup/body-stream.ts'
import { compress } from '../src/service/backup/compression.ts'
import { FolderObjectStore } from '../src/store/object/folder-store.ts'

// One SQL dump into an encrypted backup and back again: the built command line against what people use today, each in
// processes of its own, in alternating rounds, and everything on the disk before the clock stops. Wall time, and the most
// memory that a program and its children had together. COFFRE_BENCH_MIB=64 COFFRE_BENCH_ROUNDS=1 for a quick look.

const MIB = 1024 * 1024
const TOTAL_BYTES = Number(process.env['COFFRE_BENCH_MIB'] ?? 1_000) * MIB
const ROUNDS = Number(process.env['COFFRE_BENCH_ROUNDS'] ?? 3)
const SAMPLE_MS = 20
const ROOT = resolve(import.meta.dirname, '..')
const COFFRE = `"${process.execPath}" "${join(ROOT, 'bin', 'coffre.js')}" --quiet`

interface Contender {
  readonly name: string
  /** Programs of this machine that it is made of. */
  readonly needs: readonly string[]
  readonly backup: string
  readonly restore: string
  /** Before the clock starts. */
  readonly prepare?: string
}

/** Shell lines; `pipefail` and the folder of the run are set. What a program does not bring to the disk, `sync` does. */
const CONTENDERS: readonly Contender[] = [
  coffre('coffre, zstd', 'zstd'),
  coffre('coffre, gzip', 'gzip'),
  {
    name: 'restic',
    needs: ['restic'],
    prepare: 'rm -rf restic out && restic init -q',
    backup: 'restic backup -q dump.sql && sync -f restic',
    restore: 'restic restore -q latest --target out && sync -f out',
  },
  piped('zstd | age', ['zstd', 'age'], {
    seal: 'zstd -q -3 | age -r "$(cat age.pub)"',
    open: 'age -d -i age.key | zstd -q -d',
  }),
  piped('zstd -T0 | age', ['zstd', 'age'], {
    seal: 'zstd -q -3 -T0 | age -r "$(cat age.pub)"',
    open: 'age -d -i age.key | zstd -q -d',
  }),
  piped('gzip | openssl enc', ['gzip', 'openssl'], {
    seal: 'gzip -6 | openssl enc -aes-256-ctr -pbkdf2 -pass file:password',
    open: 'openssl enc -d -aes-256-ctr -pbkdf2 -pass file:password | gzip -d',
  }),
]

function coffre(name: string, compression: string): Contender {
  return {
    name,
    needs: [],
    prepare: 'rm -rf target state out && mkdir -m 700 target',
    backup: `${COFFRE} backup create bench --in dump.sql --compression ${compression}`,
    restore: `${COFFRE} backup restore bench --into out`,
  }
}

function piped(
  name: string,
  needs: readonly string[],
  { seal, open }: { readonly seal: string; readonly open: string },
): Contender {
  return {
    name,
    needs,
    prepare: 'rm -rf sealed out',
    backup: `<dump.sql ${seal} >sealed && sync sealed`,
    restore: `<sealed ${open} >out && sync out`,
  }
}

interface Figures {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMib: number
}

/** Runs one line; bash tells the time of everything in it. */
async function measure(folder: string, line: string): Promise<Figures> {
  const child = spawn('bash', ['-c', `set -eo pipefail; TIMEFORMAT='%R %U %S'; time { ${line}; } 2>&3`], {
    cwd: folder,
    env: environment(folder),
    // What the line itself has to say goes to our own standard error.
    stdio: ['ignore', 'ignore', 'pipe', 2],
  })
  let told = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (told += text))
  const peaks = new Map<number, number>()
  let peakKib = 0
  const sampling = setInterval(() => {
    peakKib = Math.max(peakKib, peakOfTree(child.pid ?? 0, peaks))
  }, SAMPLE_MS)
  const [code] = (await once(child, 'close')) as [number]
  clearInterval(sampling)
  if (code !== 0) throw new Error(`${line} ended with ${code}: ${told}`)
  const [seconds = 0, user = 0, system = 0] = told.trim().split(/\s+/).map(Number)
  return { seconds, cpuSeconds: user + system, peakMib: peakKib / 1_024 }
}

/** What the processes that are there had at most, together. */
function peakOfTree(root: number, peaks: Map<number, number>): number {
  let sum = 0
  for (const pid of [root, ...childrenOf(root)]) {
    const found = Number(/VmHWM:\s+(\d+)/.exec(readProc(`${pid}/status`))?.[1] ?? 0)
    peaks.set(pid, Math.max(found, peaks.get(pid) ?? 0))
    sum += found
  }
  return sum
}

function childrenOf(pid: number): readonly number[] {
  const children = readProc(`${pid}/task/${pid}/children`).trim().split(/\s+/).filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...childrenOf(child)])
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return '' // It has ended.
  }
}

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: folder,
    XDG_STATE_HOME: join(folder, 'state'),
    COFFRE_DATA_DIR: join(folder, 'data'),
    COFFRE_BACKUP_TARGET: join(folder, 'target'),
    RESTIC_REPOSITORY: join(folder, 'restic'),
    RESTIC_PASSWORD_FILE: join(folder, 'password'),
    RESTIC_CACHE_DIR: join(folder, 'restic-cache'),
  }
}

const PATH_FOLDERS = (process.env['PATH'] ?? '').split(delimiter)

function isInstalled(program: string): boolean {
  return PATH_FOLDERS.some((folder) => existsSync(join(folder, program)))
}

/** A dump of one table as `pg_dump` writes it, the same every time. */
function writeDump(path: string): void {
  const file = openSync(path, 'w')
  const random = numbers(0x2545_f491)
  const words = Array.from({ length: 4_096 }, () =>
    random()
      .toString(36)
      .slice(0, 2 + (random() % 6)),
  )
  const word = () => words[Math.min(random() % words.length, random() % words.length)]
  let id = 0
  for (let written = 0; written < TOTAL_BYTES; ) {
    const rows: string[] = []
    for (let row = 0; row < 4_000; row += 1) {
      const comment = Array.from({ length: 6 + (random() % 20) }, word).join(' ')
      const [day, second] = [1 + (random() % 28), random() % 86_400]
      const token = random().toString(16) + random().toString(16)
      rows.push(
        `${(id += 1)}\t${word()}@${word()}.example\t2026-02-${day} +${second}\t${random() % 99_999}\t${token}\t${comment}\n`,
      )
    }
    written += writeSync(file, rows.join(''))
  }
  closeSync(file)
}

/** Xorshift: whole numbers below 2^32. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

async function prepareFolder(folder: string): Promise<void> {
  writeDump(join(folder, 'dump.sql'))
  writeFileSync(join(folder, 'password'), randomBytes(24).toString('hex'))
  const age = isInstalled('age')
    ? 'age-keygen -o age.key 2>/dev/null && age-keygen -y age.key >age.pub'
    : 'true'
  for (const line of [`${COFFRE} init`, `${COFFRE} key create backup`, age]) runLine(folder, line)
}

function runLine(folder: string, line: string): void {
  const options = { cwd: folder, env: environment(folder), stdio: ['ignore', 'ignore', 'inherit'] as const }
  const { status } = spawnSync('bash', ['-c', line], { ...options, stdio: [...options.stdio] })
  if (status !== 0) throw new Error(`${line} ended with ${status}`)
}

interface Round {
  readonly backup: Figures
  readonly restore: Figures
  readonly storedBytes: number
}

async function runRound(folder: string, contender: Contender): Promise<Round> {
  runLine(folder, contender.prepare ?? 'true')
  const backup = await measure(folder, contender.backup)
  const stored = ['target', 'restic', 'sealed'].map((name) => sizeOf(join(folder, name)))
  const restore = await measure(folder, contender.restore)
  runLine(folder, '[ -d out ] && find out -type f -exec cmp dump.sql {} \\; || cmp dump.sql out')
  runLine(folder, 'rm -rf target restic sealed out')
  return { backup, restore, storedBytes: stored.reduce((sum, bytes) => sum + bytes, 0) }
}

function sizeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true) return stats?.size ?? 0
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function compare(folder: string): Promise<void> {
  const there = CONTENDERS.filter(({ name, needs }) => {
    const missing = needs.filter((program) => !isInstalled(program))
    if (missing.length > 0) console.log(`${name}: left out, there is no ${missing.join(', no ')}`)
    return missing.length === 0
  })
  const rounds = new Map<string, Round[]>(there.map(({ name }) => [name, []]))
  // The first only warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const contender of there) {
      const found = await runRound(folder, contender)
      if (round > 0) rounds.get(contender.name)?.push(found)
    }
  }
  report(rounds)
}

function report(rounds: ReadonlyMap<string, readonly Round[]>): void {
  const ours = rounds.get('coffre, zstd') ?? []
  console.log(
    ['', 'backup', 'ratio', 'CPU', 'peak', 'restore', 'ratio', 'CPU', 'peak', 'stored'].map(cell).join(''),
  )
  for (const [name, found] of rounds) {
    const cells = (['backup', 'restore'] as const).flatMap((way) => {
      const of = (pick: (figures: Figures) => number) => median(found.map((round) => pick(round[way])))
      // In pairs: what else the machine did, it did to both.
      const ratio = median(
        found.map((round, index) => round[way].seconds / (ours[index]?.[way].seconds ?? Number.NaN)),
      )
      return [
        `${(TOTAL_BYTES / of(({ seconds }) => seconds) / 1e6).toFixed(0)} MB/s`,
        `${ratio.toFixed(2)} x`,
        `${of(({ cpuSeconds }) => cpuSeconds).toFixed(1)} s`,
        `${of(({ peakMib }) => peakMib).toFixed(0)} MiB`,
      ]
    })
    const share = median(found.map(({ storedBytes }) => storedBytes)) / TOTAL_BYTES
    console.log([name, ...cells, `${(share * 100).toFixed(1)} %`].map(cell).join(''))
  }
  console.log('ratio: how much faster zstd of Coffre was, by wall time')
}

function cell(text: string, index: number): string {
  return index === 0 ? text.padEnd(20) : text.padStart(10)
}

const FILE_PIECES = 64 * 1024

/** Each does what the one before it does, and one thing more. */
const STAGES: Readonly<Record<string, (folder: string) => Promise<unknown>>> = {
  'read the file': (folder) => drain(readDump(folder)),
  'SHA-256 of it': (folder) => drain(hashed(readDump(folder))),
  'zstd, on all cores': (folder) => drain(compress(hashed(readDump(folder)), 'zstd')),
  'AES-256-GCM, SHA-256 of that': (folder) => drain(sealed(folder)),
  'written, on the disk': async (folder) => {
    const target = join(folder, 'stages')
    mkdirSync(target)
    await (await FolderObjectStore.open(target)).write('body', sealed(folder))
    rmSync(target, { recursive: true })
  },
}

function readDump(folder: string): AsyncIterable<Uint8Array> {
  return createReadStream(join(folder, 'dump.sql'), { highWaterMark: FILE_PIECES })
}

async function* hashed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const sha256 = new Sha256()
  for await (const piece of pieces) {
    sha256.update(piece)
    yield piece
  }
}

function sealed(folder: string): AsyncIterable<Uint8Array> {
  const header = {
    id: randomUuidV7(),
    series: 'bench',
    source: 'stream',
    compression: 'zstd',
    createdAt: new Date().toISOString(),
    facts: {},
  } as const
  const subject = { key: makeBackupKey(), header, headerLine: JSON.stringify(header) }
  return new BodySealing(subject).stream(readDump(folder), () => {})
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) void piece
}

/** In this process, so without the start of one. */
async function tellStages(folder: string): Promise<void> {
  console.log('\nWhere the time of a backup goes: what each step adds (wall, CPU of all threads)')
  const found = new Map<string, { wall: number; cpu: number }[]>()
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(STAGES)) {
      const [start, cpuStart] = [performance.now(), process.cpuUsage()]
      await run(folder)
      const { user, system } = process.cpuUsage(cpuStart)
      const figures = { wall: (performance.now() - start) / 1e3, cpu: (user + system) / 1e6 }
      if (round > 0) found.set(name, [...(found.get(name) ?? []), figures])
    }
  }
  let before = { wall: 0, cpu: 0 }
  for (const [name, all] of found) {
    const now = { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) }
    const added = [now.wall - before.wall, now.cpu - before.cpu].map((value) => `${value.toFixed(2)} s`)
    console.log([name.padEnd(30), ...added.map((text) => text.padStart(10))].join(''))
    before = now
  }
}

const { status } = spawnSync(process.execPath, [join(ROOT, 'tools', 'build.ts')], { stdio: 'ignore' })
if (status !== 0) throw new Error('the package is not built: npm run build')
const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'))
try {
  await prepareFolder(folder)
  console.log(`${TOTAL_BYTES / MIB} MiB, ${ROUNDS} rounds, ${availableParallelism()} cores`)
  await compare(folder)
  await tellStages(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
