import type { BatchItem, Coffre, DataOperations } from '../../model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import { EXIT_CODES, type ExitCode, OK } from '../exit-code.ts'
import { openInput } from './read-input.ts'
import type { Invocation } from '../invocation.ts'
import { readLines } from './read-lines.ts'
import type { ReadLimit } from './read-limited.ts'
import { formatJson } from '../output/printer.ts'
import { Progress } from '../output/progress.ts'
import { type Sink, withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

/** Results are written in pieces of this size, and at the end. */
const WRITE_BYTES = 64 * 1024
const LINE_FEED = Uint8Array.of(0x0a)

type LineOperation = 'encrypt' | 'decrypt' | 'rewrap'

export interface LineJob<Name extends LineOperation> {
  readonly operation: Name
  readonly maximumBytes: number
  readonly toRequest: (line: Uint8Array) => DataOperations[Name]['request']
  /** The result without its line feed. Throws where the result cannot stand on one line. */
  readonly toLine: (result: DataOperations[Name]['result'], line: number) => string | Uint8Array
}

/**
 * One value per line in, one result per line out, in order. The first line that fails ends it, after the
 * results before it; under --json every line answers for itself, and the exit code is the first failure's.
 */
export async function runLines<Name extends LineOperation>(
  invocation: Invocation,
  job: LineJob<Name>,
): Promise<ExitCode> {
  const run = new LineRun(invocation, job)
  await withCoffre(invocation, (coffre) => withSink(invocation, 'out', (sink) => run.runAll(coffre, sink)))
  return run.exitCode()
}

class LineRun<Name extends LineOperation> {
  readonly #invocation: Invocation
  readonly #job: LineJob<Name>
  readonly #progress: Progress
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #count = 0
  #failed = 0
  #firstFailure: ErrorCode | undefined

  constructor(invocation: Invocation, job: LineJob<Name>) {
    this.#invocation = invocation
    this.#job = job
    this.#progress = new Progress(invocation.printer)
  }

  async runAll(coffre: Coffre, sink: Sink): Promise<void> {
    const limit = { name: 'line', maximumBytes: this.#job.maximumBytes }
    const requests = this.#readRequests(limit)
    try {
      for await (const item of coffre.batchStream(this.#job.operation, requests)) {
        this.#count += 1
        this.#keep(this.#format(item, this.#count))
        if (this.#keptBytes >= WRITE_BYTES) await this.#write(sink)
        await this.#progress.show(this.#count)
      }
    } finally {
      // Also when a line failed: what came before it is complete.
      await this.#write(sink)
      await this.#progress.end()
    }
    await this.#tell()
  }

  exitCode(): ExitCode {
    return this.#firstFailure === undefined ? OK : EXIT_CODES[this.#firstFailure]
  }

  async *#readRequests(limit: ReadLimit): AsyncGenerator<DataOperations[Name]['request']> {
    for await (const line of readLines(openInput(this.#invocation), limit)) yield this.#job.toRequest(line)
  }

  #keep(line: string | Uint8Array): void {
    const bytes = toBytes(line)
    this.#kept.push(bytes, LINE_FEED)
    this.#keptBytes += bytes.length + 1
  }

  async #write(sink: Sink): Promise<void> {
    const kept = this.#kept
    this.#kept = []
    this.#keptBytes = 0
    if (kept.length > 0) await sink.write(Buffer.concat(kept))
  }

  #format(item: BatchItem<DataOperations[Name]['result']>, line: number): string | Uint8Array {
    if (this.#invocation.printer.json) return this.#formatItem(item)
    if (item.ok) return this.#job.toLine(item.value, line)
    throw new CoffreError(item.error.code, { facts: { ...item.error.facts, line } })
  }

  #formatItem(item: BatchItem<DataOperations[Name]['result']>): string {
    if (item.ok) return `{"ok":true,"value":${formatJson(item.value)}}`
    this.#failed += 1
    this.#firstFailure ??= item.error.code
    return JSON.stringify(item)
  }

  async #tell(): Promise<void> {
    const { printer } = this.#invocation
    if (this.#failed > 0) await printer.note('done.linesFailed', { failed: this.#failed, count: this.#count })
    else await printer.note('done.lines', { count: this.#count })
  }
}

function toBytes(chunk: string | Uint8Array): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}
