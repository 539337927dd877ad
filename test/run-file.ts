import { relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'
import type { FileResult } from './reporter.ts'

/** A file that takes longer hangs. */
const MAX_FILE_MS = 1000 * Number(process.env['COFFRE_TEST_FILE_SECONDS'] ?? 600)
const NOTE_LINE = /^(vectors|skipped|note|cases|bench)\b.*:/
/** The runner's own totals, which arrive as diagnostics. */
const RUNNER_TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/
const ENGINE_FRAME = /^\s+at .*(node:internal|node:async_hooks|node:test)/
const MISSING_SOFTWARE =
  /not installed|system package|not available|apt-get install|command not found|(is|are) (missing|absent)/i

export interface RunFileOptions {
  /** Count a test that was skipped for missing software as failed. */
  readonly everythingRequired: boolean
}

type FileEvent =
  | { type: 'test:pass' | 'test:fail'; data: CaseEvent }
  | { type: 'test:diagnostic'; data: { message: string } }
  | { type: 'test:stdout' | 'test:stderr'; data: { message: string } }

interface CaseEvent {
  readonly name: string
  readonly nesting: number
  readonly skip?: string | boolean
  readonly file?: string
  readonly line?: number
  /** Absent on the event that the runner makes for the file itself. */
  readonly entryFile?: string
  readonly details: { readonly type?: string; readonly error?: Error & { failureType?: string } }
}

type Mutable<Result> = {
  -readonly [Name in keyof Result]: Result[Name] extends readonly (infer Item)[] ? Item[] : Result[Name]
}

interface Tally {
  readonly result: Mutable<FileResult>
  readonly titles: string[]
  /** The depths at which a case was seen and whose parent was not yet. */
  readonly openDepths: Set<number>
  readonly options: RunFileOptions
}

/** Runs one test file in a process of its own and counts its leaf tests. */
export async function runFile(file: string, options: RunFileOptions): Promise<FileResult> {
  const startedAt = performance.now()
  const result = { file, seconds: 0, passed: 0, skips: [], failures: [], notes: [], output: '' }
  const tally: Tally = { result, titles: [], openDepths: new Set(), options }
  const signal = AbortSignal.timeout(MAX_FILE_MS)
  for await (const event of run({ files: [file], isolation: 'process', signal })) {
    // The published types of the events lack `entryFile`.
    record(tally, event as FileEvent)
  }
  refuseEmpty(tally)
  result.seconds = (performance.now() - startedAt) / 1000
  return result
}

function record(tally: Tally, event: FileEvent): void {
  switch (event.type) {
    case 'test:pass':
    case 'test:fail':
      return recordCase(tally, event.data, event.type === 'test:pass')
    case 'test:diagnostic':
      if (!RUNNER_TOTAL.test(event.data.message)) tally.result.notes.push(event.data.message)
      return
    case 'test:stdout':
    case 'test:stderr':
      return recordOutput(tally, event.data.message)
    default:
      return
  }
}

function recordOutput(tally: Tally, text: string): void {
  tally.result.output += text
  for (const line of text.split('\n')) {
    if (NOTE_LINE.test(line)) tally.result.notes.push(line)
  }
}

function recordCase(tally: Tally, event: CaseEvent, passed: boolean): void {
  const isParent = tally.openDepths.delete(event.nesting + 1)
  tally.openDepths.add(event.nesting)
  if (event.entryFile === undefined && event.name === tally.result.file) {
    if (!passed) fail(tally, event, 'the file crashed, hung or ended with an error')
    return
  }
  if (event.skip !== undefined && event.skip !== false) return recordSkip(tally, event)
  if (!passed) return recordFailure(tally, event, isParent)
  if (isParent) return
  if (event.details.type === 'suite') return fail(tally, event, 'the suite found no tests')
  tally.result.passed += 1
}

function recordFailure(tally: Tally, event: CaseEvent, isParent: boolean): void {
  // The subtests have been counted already; a parent counts when its own body or a hook failed.
  if (isParent && event.details.error?.failureType === 'subtestsFailed') return
  fail(tally, event, describeError(event.details.error))
}

function recordSkip(tally: Tally, event: CaseEvent): void {
  if (typeof event.skip !== 'string' || event.skip === '')
    return fail(tally, event, 'skipped without a reason')
  const reason = event.skip
  const missing = MISSING_SOFTWARE.test(reason) && !/vector/i.test(reason)
  if (missing && tally.options.everythingRequired) {
    return fail(tally, event, `skipped (${reason}), but everything is required here`)
  }
  tally.result.skips.push({ title: event.name, reason })
}

function fail(tally: Tally, event: CaseEvent, detail: string): void {
  const isFile = event.name === tally.result.file
  const title = isFile ? 'the whole file' : event.name
  const location = `${relative(process.cwd(), event.file ?? tally.result.file)}:${event.line ?? 1}`
  tally.result.failures.push({ title, location, detail })
}

function refuseEmpty(tally: Tally): void {
  const { file, passed, skips, failures } = tally.result
  if (passed + skips.length + failures.length > 0) return
  const location = relative(process.cwd(), file)
  failures.push({ title: 'the whole file', location, detail: 'the file found no tests' })
}

function describeError(error: (Error & { failureType?: string }) | undefined): string {
  if (error === undefined) return 'failed without an error'
  const cause = error.cause ?? error.message
  const text = typeof cause === 'string' ? cause : inspect(cause, { depth: 4, colors: false })
  return text
    .split('\n')
    .filter((line) => !ENGINE_FRAME.test(line))
    .join('\n')
}
