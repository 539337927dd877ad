import type { BatchItem, Coffre, DataOperations } from '../../model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import { EXIT_CODES, type ExitCode, OK } from '../exit-code.ts'
import { openInput } from './read-input.ts'
import type { Invocation } from '../invocation.ts'
import { type LineBatch, readLineBatches } from './line-batches.ts'
import { formatJson } from '../output/printer.ts'
import { Progress } from '../output/progress.ts'
import { type Sink, withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

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
    try {
      for await (const batch of readLineBatches(openInput(this.#invocation), limit)) {
        await this.#runBatch(coffre, sink, batch)
        await this.#progress.show(this.#count)
      }
    } finally {
      await this.#progress.end()
    }
    await this.#tell()
  }

  exitCode(): ExitCode {
    return this.#firstFailure === undefined ? OK : EXIT_CODES[this.#firstFailure]
  }

  async #runBatch(coffre: Coffre, sink: Sink, batch: LineBatch): Promise<void> {
    const items = await coffre.batch(this.#job.operation, batch.lines.map(this.#job.toRequest))
    const output: (string | Uint8Array)[] = []
    try {
      for (const [index, item] of items.entries()) output.push(this.#format(item, batch.first + index), '\n')
    } finally {
      // Also when a line failed: what came before it is complete.
      await sink.write(Buffer.concat(output.map(toBytes)))
    }
    this.#count += items.length
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
