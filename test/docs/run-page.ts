import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { POSTGRES_15, PostgresServer } from '../postgres-server.ts'
import { findFreePort } from '../redis-server.ts'
import { type Block, type Page, ROOT } from './page.ts'

/*
 * A page is one bash script, `set -euo pipefail`, in an empty folder: its blocks in their order, with a `coffre` on
 * the PATH that is this checkout.
 *
 *   sh                  as it stands; variables live on
 *                       (`postgres://backup:password@db.example` is a PostgreSQL server of the run)
 *   sh server           one `coffre serve …`, in the background until the page ends or the next such block
 *   sh server-stopped   the reader has pressed Ctrl-C before this block
 *   ts                  in an empty folder of its own; `ts same-folder` where the commands ran
 *   python              in the folder, by Debian's Python
 *   text                what the block before printed; … stands for the rest of a line, or for any lines
 */
export const PYTHON = '/usr/bin/python3'
/** The address that pages name. Each run has a free port instead, so that no server of the reader is touched. */
const NAMED_ADDRESS = 'http://127.0.0.1:8250'
/** So with the port of the cache server that pages start. */
/** Of a server of PostgreSQL that a page nowhere starts: each run has one of its own, with an empty database `shop`. */
export const NAMED_POSTGRES = 'postgres://backup:password@db.example'
const NAMED_CACHE_PORT = /\b6390\b/g
/** A page takes some seconds; a command that waits for a terminal would take for ever. */
const PAGE_TIMEOUT_MS = 180_000
const MARK = '\u001e'
const COMPILE_CACHE = join(tmpdir(), `coffre-test-compile-cache-${process.getuid?.() ?? 0}`)

const RUNNERS: Readonly<Record<string, (file: string, block: Block) => string>> = {
  sh: (file, block) => (block.directive === 'server' ? `start_server ${file}` : `. ${file}`),
  ts: (file, block) => (block.directive === 'same-folder' ? `run_ts ${file}` : `run_ts_apart ${file}`),
  python: (file) => `${PYTHON} ${file}`,
}

export function isRun(block: Block): boolean {
  return block.directive !== 'no-run' && Object.hasOwn(RUNNERS, block.language)
}

export interface Ran {
  readonly block: Block
  /** Standard output and standard error, as they came. */
  readonly output: string
}

export interface PageRun {
  readonly code: number | null
  /** In order; after a failure the last one is the block that failed. */
  readonly ran: readonly Ran[]
}

export async function runPage(page: Page): Promise<PageRun> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-docs-'))
  const cachePort = String(await findFreePort())
  const blocks = page.blocks.filter(isRun)
  const postgres = await startNamed(blocks)
  try {
    const script = writeScript(folder, { blocks, cachePort, postgres: postgres?.url('').slice(0, -1) })
    const { code, output } = await runBash(folder, script)
    const [, ...outputs] = output.split(MARK)
    return { code, ran: outputs.flatMap((text, index) => toRan(blocks[index], text)) }
  } finally {
    // A page that failed has not ended its own server; on this port is no other.
    if (page.blocks.some(({ code }) => code.includes('redis-server '))) {
      spawnSync('redis-cli', ['-p', cachePort, 'shutdown', 'nosave'], { stdio: 'ignore' })
    }
    await postgres?.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startNamed(blocks: readonly Block[]): Promise<PostgresServer | undefined> {
  if (!blocks.some(({ code }) => code.includes(NAMED_POSTGRES))) return undefined
  const server = new PostgresServer({ release: POSTGRES_15 })
  await server.start()
  const client = await server.connect('postgres')
  await client.query('create database shop').finally(() => client.end())
  return server
}

function toRan(block: Block | undefined, output: string): Ran[] {
  return block === undefined ? [] : [{ block, output: output.replace(/^\n/, '') }]
}

interface Surroundings {
  readonly blocks: readonly Block[]
  readonly cachePort: string
  readonly postgres: string | undefined
}

function writeScript(folder: string, { blocks, cachePort, postgres = NAMED_POSTGRES }: Surroundings): string {
  for (const name of ['bin', 'blocks', 'home', 'work']) mkdirSync(join(folder, name))
  const wrapper = join(folder, 'bin', 'coffre')
  writeFileSync(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'src/cli/main.ts')}' "$@"\n`)
  chmodSync(wrapper, 0o755)
  const lines = blocks.map((block, index) => {
    const file = join(folder, 'blocks', `${index}.${block.language === 'ts' ? 'mts' : block.language}`)
    const code = block.code.replaceAll(NAMED_POSTGRES, postgres)
    writeFileSync(file, code.replaceAll(NAMED_CACHE_PORT, cachePort))
    const stop = block.directive === 'server-stopped' ? 'stop_server\n' : ''
    const run = RUNNERS[block.language]?.(file, block) ?? ''
    return `${stop}${needsServer(blocks, index) ? 'start_own_server\n' : ''}printf '${MARK}\\n'\nput_address ${file}\n${run}`
  })
  return `${PRELUDE}\n${lines.join('\n')}\n`
}

/** The first block that uses an address which its page nowhere sets. */
function needsServer(blocks: readonly Block[], index: number): boolean {
  if (blocks.some(({ code, directive }) => directive === 'server' || /\bCOFFRE_ADDR=/.test(code)))
    return false
  return blocks.findIndex(({ code }) => code.includes('COFFRE_ADDR')) === index
}

const PRELUDE = `set -euo pipefail
exec 2>&1 </dev/null
server= url=${NAMED_ADDRESS}
stop_server() {
  if [ -z "$server" ]; then return; fi
  kill "$server" 2>/dev/null || true
  wait "$server" || true
  server=
}
trap stop_server EXIT
start_server() {
  stop_server
  local pipe line
  pipe="$HOME/serve.$RANDOM$RANDOM"
  mkfifo "$pipe"
  eval "exec $(cat "$1") --json --quiet --port 0 --log-level silent" > "$pipe" &
  server=$!
  exec 9< "$pipe"
  # The server prints its address once it answers; it ends, and so does this, when it cannot start.
  read -r line <&9
  [[ $line =~ \\"url\\":\\"([^\\"]+)\\" ]]
  url=\${BASH_REMATCH[1]}
  if [ -n "\${COFFRE_ADDR-}" ]; then COFFRE_ADDR=$url; fi
}
start_own_server() {
  start_server <(echo coffre serve)
  export COFFRE_ADDR=$url COFFRE_TOKEN
  COFFRE_TOKEN=$(cat coffre-data/first-token)
}
put_address() {
  local text
  text=$(cat "$1")
  text=\${text//"${NAMED_ADDRESS.replace('http:', 'https:')}"/$url}
  printf '%s\\n' "\${text//"${NAMED_ADDRESS}"/$url}" > "$1"
}
run_ts() { '${process.execPath}' --import '${pathToFileURL(join(import.meta.dirname, 'use-checkout.ts')).href}' "$1"; }
run_ts_apart() { (cd "$(mktemp -d "$HOME/apart.XXXXXX")" && run_ts "$1"); }
`

function runBash(folder: string, script: string): Promise<{ code: number | null; output: string }> {
  const path = [join(folder, 'bin'), dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(
    ':',
  )
  const env = { PATH: path, HOME: join(folder, 'home'), LANG: 'C.UTF-8', NODE_COMPILE_CACHE: COMPILE_CACHE }
  return new Promise((done, fail) => {
    const child = spawn('bash', ['-c', script], { cwd: join(folder, 'work'), env, detached: true })
    const pieces: Buffer[] = []
    const timer = setTimeout(() => killGroup(child.pid), PAGE_TIMEOUT_MS)
    child.stdin.end()
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    child.stderr.on('data', (piece: Buffer) => pieces.push(piece))
    child.on('error', fail)
    child.on('close', (code) => {
      clearTimeout(timer)
      done({ code, output: Buffer.concat(pieces).toString() })
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}
