import { runProgram } from '../run/run-program.ts'
import { findEntries, readDotenv } from './dotenv-text.ts'
import { readToml } from './toml-text.ts'

/** Everything that an application may read its files with. */
export const READERS = ['node', 'dotenv', 'bash', 'python-dotenv', 'toml', 'tomllib'] as const

export type ReaderName = (typeof READERS)[number]

export type Form = 'dotenv' | 'toml'

export interface Reading {
  readonly reader: ReaderName
  /** `absent`: not installed here. `skipped`: it never reads such files, as bash with CRLF. */
  readonly verdict: 'agrees' | 'differs' | 'absent' | 'skipped'
}

export interface ReadingRequest {
  readonly form: Form
  readonly text: string
  /** The names that were set, and what every reader must find. */
  readonly expected: Readonly<Record<string, string>>
}

const MAX_MILLISECONDS = 10_000

/** What each reader makes of the file. */
export async function readWithAll(request: ReadingRequest): Promise<readonly Reading[]> {
  const python = await askPython(request)
  if (request.form === 'toml') {
    return [judge('toml', readToml(request.text), request), judge('tomllib', python, request)]
  }
  return [
    judge('node', readDotenv(request.text), request),
    judge('dotenv', await askDotenv(request.text), request),
    await askBash(request),
    judge('python-dotenv', python, request),
  ]
}

function judge(
  reader: ReaderName,
  values: Readonly<Record<string, unknown>> | undefined,
  { expected }: ReadingRequest,
): Reading {
  if (values === undefined) return { reader, verdict: 'absent' }
  const agrees = Object.entries(expected).every(([name, value]) => values[name] === value)
  return { reader, verdict: agrees ? 'agrees' : 'differs' }
}

/** The package of that name, where the application has it. */
async function askDotenv(text: string): Promise<Readonly<Record<string, string>> | undefined> {
  const dotenv = await import('dotenv').catch(() => undefined)
  return dotenv?.parse(text)
}

/** Bash gets the lines of these names alone: to source the whole file would run whatever else stands in it. */
async function askBash(request: ReadingRequest): Promise<Reading> {
  const { text, expected } = request
  if (text.includes('\r\n')) return { reader: 'bash', verdict: 'skipped' }
  const lines = findEntries(text)
    .filter(({ name }) => Object.hasOwn(expected, name))
    .map(({ name, from, to }) => `${name}=${text.slice(from, to)}`)
  const names = Object.keys(expected)
  const script = `${lines.join('\n')}\nprintf '%s\\0' ${names.map((name) => `"$${name}"`).join(' ')}\n`
  const found = await runProgram({
    command: 'bash',
    args: ['--noprofile', '--norc', '-s'],
    input: script,
    environment: { PATH: process.env['PATH'] },
    maxMilliseconds: MAX_MILLISECONDS,
  })
  if (found.isMissing) return { reader: 'bash', verdict: 'absent' }
  const values = found.output.toString().split('\0')
  return judge('bash', Object.fromEntries(names.map((name, at) => [name, values[at]])), request)
}

const PYTHON = `
import io, json, sys
form, text = json.load(sys.stdin)
try:
    if form == 'toml':
        import tomllib
        values = tomllib.loads(text)
    else:
        import dotenv
        values = dotenv.dotenv_values(stream=io.StringIO(text))
    print(json.dumps({k: v for k, v in values.items() if isinstance(v, str)}))
except ImportError:
    print('null')
except Exception:
    print('{}')
`

async function askPython({
  form,
  text,
}: ReadingRequest): Promise<Readonly<Record<string, unknown>> | undefined> {
  const found = await runProgram({
    command: 'python3',
    // -I: no module of the project's folder is loaded.
    args: ['-I', '-c', PYTHON],
    input: JSON.stringify([form, text.startsWith('\ufeff') ? text.slice(1) : text]),
    environment: { PATH: process.env['PATH'], PYTHONIOENCODING: 'utf-8', LC_ALL: 'C.UTF-8' },
    maxMilliseconds: MAX_MILLISECONDS,
  })
  if (found.isMissing || found.code !== 0) return undefined
  const values: unknown = JSON.parse(found.output.toString())
  return typeof values === 'object' && values !== null ? { ...values } : undefined
}
