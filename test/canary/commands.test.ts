import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { commandRows } from '../../src/cli/commands.ts'
import type { CommandRow } from '../../src/cli/command-row.ts'
import { COMPILE_CACHE, CoffreProcess, MAIN } from '../cli/coffre-process.ts'
import { Canaries } from './canary.ts'
import { SecretForms } from './secret-forms.ts'
import { checkFiles, listProcesses } from './traced-server.ts'

/** What a command writes to its output may be what was put in. Nothing may be in its errors. */
const OUTPUT_IS_DATA: ReadonlySet<string> = new Set([
  'decrypt',
  'file decrypt',
  'secret-key export',
  'secret decrypt',
])
/** It does not end by itself. */
const SERVE = 'serve'
/** Nor does this one, unless it is told to. */
const ENDING: Readonly<Record<string, readonly string[]>> = { 'secret-key watch': ['--seconds', '1'] }
const LOOK_EVERY_MS = 30
const LANES = 2
/** A process for each command takes minutes: every fourth, beginning anywhere. 1: all of them. */
const STEP = Number(process.env['COFFRE_TEST_COMMAND_STEP'] ?? 4)

test('a secret on the input of any command, or in any of its files, is in no message of it', async (t) => {
  const process_ = new CoffreProcess(t)
  const scene = await makeScene(process_)
  let runs = 0
  for (const row of commandRows) {
    const name = row.path.join(' ')
    if (name === SERVE) continue
    for (const args of await argumentsOf(row, scene)) {
      const finished = await process_.runHere(args, {
        input: await makeInput(scene),
        environment: await makeEnvironment(scene),
      })
      runs += 1
      check(name, { ...finished, out: finished.bytes }, scene.canaries)
    }
  }
  checkFiles(process_.dataDir, scene.canaries)
  assert.ok(runs > commandRows.length)
  assert.ok(scene.forms.made >= 1_000, `only ${scene.forms.made} secrets`)
  t.diagnostic(`cases: ${scene.forms.made} secrets, ${runs} runs of ${commandRows.length} commands`)
})

test('a secret of any command is in nothing that ps shows while it runs', {
  skip: process.platform === 'win32' ? 'Windows has no ps' : false,
}, async (t) => {
  const first = Math.floor(Math.random() * STEP)
  const watched = commandRows.filter((row, index) => index % STEP === first || row.path.join(' ') === SERVE)
  const rows = watched.values()
  // Each lane has a store of its own: a store is one process's at a time.
  const lanes = await Promise.all(
    Array.from({ length: LANES }, async () => {
      const process_ = new CoffreProcess(t)
      return runLane(process_, rows, await makeScene(process_))
    }),
  )
  const total = (count: (lane: Lane) => number) => lanes.reduce((sum, lane) => sum + count(lane), 0)
  assert.equal(
    total(({ commands }) => commands),
    watched.length,
  )
  const looks = total((lane) => lane.looks)
  assert.ok(looks >= watched.length, `only ${looks} looks`)
  const secrets = total((lane) => lane.secrets)
  const shown = `${watched.length} of ${commandRows.length} commands from number ${first}`
  t.diagnostic(`cases: ${secrets} secrets, ${shown}, ${looks} looks at all processes`)
})

interface Lane {
  readonly commands: number
  readonly looks: number
  readonly secrets: number
}

/** One command after the other, until no lane has any left. */
async function runLane(process_: CoffreProcess, rows: Iterable<CommandRow>, scene: Scene): Promise<Lane> {
  let [commands, looks] = [0, 0]
  for (const row of rows) {
    const name = row.path.join(' ')
    const lines = await argumentsOf(row, scene)
    commands += 1
    // With a file for each option that takes one; a server also as it is, because it starts then.
    for (const args of name === SERVE
      ? [[SERVE, '--port', '0', '--json'], ...lines.slice(-1)]
      : lines.slice(-1)) {
      const seen = await runSeen(process_, args, scene)
      looks += seen.looks
      check(name, seen, scene.canaries)
    }
  }
  return { commands, looks, secrets: scene.forms.made }
}

interface Scene {
  readonly canaries: Canaries
  readonly forms: SecretForms
  readonly folder: string
  /** Lines of ps that were looked at: a line that stood there before holds no newer secret. */
  readonly seen: Set<string>
}

async function makeScene(process_: CoffreProcess): Promise<Scene> {
  await process_.prepare('init', 'key create canary')
  const canaries = new Canaries()
  canaries.add(Buffer.from(readFileSync(join(process_.dataDir, 'seal.key'), 'utf8').trim(), 'hex'))
  return { canaries, forms: new SecretForms(canaries), folder: process_.folder, seen: new Set() }
}

interface Said {
  readonly code: number | null
  readonly out: string | Uint8Array
  readonly error: string
}

function check(name: string, { code, out, error }: Said, canaries: Canaries): void {
  canaries.requireNone(`the errors of coffre ${name}`, error)
  if (code !== 0 || !OUTPUT_IS_DATA.has(name)) canaries.requireNone(`the output of coffre ${name}`, out)
}

async function makeInput({ forms }: Scene): Promise<string> {
  return `${await forms.make()}\n${await forms.make()}\n`
}

async function makeEnvironment({ forms }: Scene): Promise<Record<string, string>> {
  return { COFFRE_TOKEN: await forms.make(), COFFRE_PASSPHRASE: await forms.make() }
}

/** A command twice: bare, and for machines with a secret in every file that it takes. */
async function argumentsOf(row: CommandRow, scene: Scene): Promise<readonly (readonly string[])[]> {
  const given = (row.arguments ?? []).map((argument) => argument.choices?.[0] ?? 'canary')
  const bare = [...row.path, ...given, ...(ENDING[row.path.join(' ')] ?? [])]
  const files: string[] = []
  for (const { flags } of row.options ?? []) {
    if (/<(file|path)>/.test(flags)) files.push(/--[a-z-]+/.exec(flags)?.[0] ?? '', await secretFile(scene))
  }
  return [bare, [...bare, ...files, '--json']]
}

async function secretFile({ folder, forms }: Scene): Promise<string> {
  const path = join(folder, `secret-${forms.made}`)
  writeFileSync(path, `${await forms.make()}\n`, { mode: 0o600 })
  return path
}

/** In a process of its own, among all others that this machine shows meanwhile; a server until it listens. */
async function runSeen(
  process_: CoffreProcess,
  args: readonly string[],
  scene: Scene,
): Promise<Said & { readonly looks: number }> {
  const environment = { COFFRE_DATA_DIR: process_.dataDir, ...(await makeEnvironment(scene)) }
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: scene.folder,
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    ...environment,
  }
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: scene.folder, env })
  let [out, error, looks, isOver] = ['', '', 0, false]
  child.stdout.on('data', (piece: Buffer) => {
    out += piece.toString()
    if (args[0] === SERVE) child.kill('SIGTERM')
  })
  child.stderr.on('data', (piece: Buffer) => (error += piece.toString()))
  child.stdin.on('error', () => undefined)
  child.stdin.end(await makeInput(scene))
  const closed = once(child, 'close').then(([code]: (number | null)[]) => {
    isOver = true
    return code ?? null
  })
  while (!isOver) {
    const lines = listProcesses()
      .split('\n')
      .filter((line) => !scene.seen.has(line))
    for (const line of lines) scene.seen.add(line)
    scene.canaries.requireNone(`ps while coffre ${args.join(' ')} runs`, lines.join('\n'))
    looks += 1
    await setTimeout(LOOK_EVERY_MS)
  }
  return { code: await closed, out, error, looks }
}
