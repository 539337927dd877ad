import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkSecretKeys, secretFilesOf } from '../../src/app-secret-files.ts'
import { readDotenv } from '../../src/service/secret-files/file/dotenv-text.ts'
import { readToml } from '../../src/service/secret-files/file/toml-text.ts'

const CHILD = join(import.meta.dirname, 'secret-files-child.ts')
/** Some replaced, one of a folder that is there, two new ones, one of a new folder. */
const TARGETS = ['.env', '.streamlit/secrets.toml', 'new.env', 'made/here/new.toml']
const OLD = {
  '.env': '# mine\nA=1\nSECRET_KEY=old # why\n',
  '.streamlit/secrets.toml': 'SECRET_KEY = "old"\n',
}

export interface KillResult {
  readonly kills: number
  readonly calls: number
  readonly old: number
  readonly fresh: number
}

/**
 * Ends a change of four files by SIGKILL before each of its calls to the disk, or before `count` of them, and looks
 * after the next start: all old or all new, and nothing else left.
 */
export async function killBetweenSteps(
  options: { readonly count?: number; readonly from?: number } = {},
): Promise<KillResult> {
  const calls = Number(await inProject(async (folder) => run(folder, 0).stdout))
  assert.ok(calls > 30, `only ${calls} calls were counted`)
  const count = Math.min(options.count ?? calls, calls)
  let [old, fresh] = [0, 0]
  for (let kill = 0; kill < count; kill += 1) {
    const at = 1 + ((Math.floor((kill * calls) / count) + (options.from ?? 0)) % calls)
    const outcome = await inProject((folder) => killOnce(folder, at))
    if (outcome === 'old') old += 1
    else fresh += 1
  }
  return { kills: count, calls, old, fresh }
}

async function killOnce(folder: string, at: number): Promise<'old' | 'new'> {
  const ended = run(folder, at)
  // A machine that cannot start a process says nothing of the change.
  if (ended.error !== undefined) throw ended.error
  assert.equal(ended.signal, 'SIGKILL', `call ${at}: ${ended.stderr}`)
  await checkSecretKeys(secretFilesOf(folder), {})
  const values = TARGETS.map((path) => valueOf(folder, path))
  const names = list(folder)
  if (values[0] === 'old') {
    assert.deepEqual(values, ['old', 'old', undefined, undefined], `call ${at}`)
    for (const [path, text] of Object.entries(OLD))
      assert.equal(readFileSync(join(folder, path), 'utf8'), text)
    assert.deepEqual(names, ['.coffre.json', '.env', '.streamlit/secrets.toml'], `call ${at}`)
    return 'old'
  }
  assert.deepEqual(new Set(values).size, 1, `call ${at}`)
  assert.equal(String(values[0]).length, 64)
  assert.deepEqual(names, [
    '.coffre.json',
    '.env',
    '.streamlit/secrets.toml',
    'made/here/new.toml',
    'new.env',
  ])
  return 'new'
}

function valueOf(folder: string, path: string): unknown {
  try {
    const text = readFileSync(join(folder, path), 'utf8')
    return (path.endsWith('.toml') ? readToml : readDotenv)(text)['SECRET_KEY']
  } catch {
    return undefined
  }
}

function list(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !path.startsWith('.coffre/'))
    .toSorted()
}

function run(folder: string, last: number) {
  // Without python3 on the PATH a run takes half the time; which readers agree is not what is looked at here.
  const env = { PATH: '/nowhere', NODE_COMPILE_CACHE: join(tmpdir(), 'coffre-test-compile-cache-kill') }
  return spawnSync(process.execPath, [CHILD, folder, String(last)], { encoding: 'utf8', env })
}

async function inProject<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-kill-'))
  try {
    mkdirSync(join(folder, '.streamlit'), { mode: 0o700 })
    for (const [path, text] of Object.entries(OLD)) writeFileSync(join(folder, path), text, { mode: 0o600 })
    writeFileSync(join(folder, '.coffre.json'), JSON.stringify({ secretFiles: { targets: TARGETS } }))
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
