import { Readable } from 'node:stream'
import type { Coffre } from '../../model/coffre.ts'
import type { ByteStream, DecryptRangeRequest, RangeSource } from '../../model/streams.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { openInput } from '../input/read-input.ts'
import { readRange, withRangeSource } from '../input/read-range.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { CONTEXT, FORCE, IN, OUT } from '../line/option-rows.ts'
import { inputSize, Progress } from '../output/progress.ts'
import { type Sink, withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

type Transform = (coffre: Coffre, source: ByteStream) => Promise<ByteStream>
type RangeTransform = (
  coffre: Coffre,
  source: RangeSource,
  request: DecryptRangeRequest,
) => Promise<ByteStream>

const KEY = { syntax: '<key>', help: 'argument.key' } as const
const RANGE: OptionRow = { flags: '--range <from-to>', help: 'option.range' }

/**
 * Data of any length, in constant memory (docs/spec/file.md). `file` encrypts here and a server sees only the
 * data key; `…-stream` sends the data to the server, for who must not hold a data key.
 */
export const fileCommands: readonly CommandRow[] = [
  {
    path: ['file', 'encrypt'],
    summary: 'command.file.encrypt',
    arguments: [KEY],
    options: [CONTEXT, IN, OUT, FORCE],
    run: runEncryptFile,
  },
  {
    path: ['file', 'decrypt'],
    summary: 'command.file.decrypt',
    options: [CONTEXT, RANGE, IN, OUT, FORCE],
    run: runDecryptFile,
  },
  {
    path: ['encrypt-stream'],
    summary: 'command.encrypt-stream',
    arguments: [KEY],
    options: [CONTEXT, IN, OUT, FORCE],
    run: (invocation) => {
      const request = { key: valueAt(invocation, 0), ...readContext(invocation) }
      return pass(invocation, (coffre, source) => coffre.encryptStream(source, request))
    },
  },
  {
    path: ['decrypt-stream'],
    summary: 'command.decrypt-stream',
    options: [CONTEXT, RANGE, IN, OUT, FORCE],
    run: (invocation) =>
      decrypt(invocation, {
        whole: (coffre, source) => coffre.decryptStream(source, readContext(invocation)),
        range: (coffre, source, request) => coffre.decryptRange(source, request),
      }),
  },
]

async function runEncryptFile(invocation: Invocation): Promise<ExitCode> {
  const { encryptFile } = await import('../../app.ts')
  const options = { key: valueAt(invocation, 0), ...readContext(invocation) }
  return pass(invocation, (coffre, source) => encryptFile(coffre, source, options))
}

async function runDecryptFile(invocation: Invocation): Promise<ExitCode> {
  const { decryptFile, decryptRangeOfFile } = await import('../../app.ts')
  return decrypt(invocation, {
    whole: (coffre, source) => decryptFile(coffre, source, readContext(invocation)),
    range: decryptRangeOfFile,
  })
}

function decrypt(
  invocation: Invocation,
  how: { readonly whole: Transform; readonly range: RangeTransform },
): Promise<ExitCode> {
  const range = readRange(invocation)
  if (range === undefined) return pass(invocation, how.whole)
  const request = { ...range, ...readContext(invocation) }
  return withRangeSource(invocation, async (source) => {
    await withSink(invocation, 'out', (sink) =>
      withCoffre(invocation, async (coffre) => {
        await copy(
          await how.range(coffre, source, request),
          sink,
          new Progress(invocation.printer, 'progress.bytes'),
        )
      }),
    )
    return OK
  })
}

/** With --out, the file appears only when the last byte has been verified. */
async function pass(invocation: Invocation, transform: Transform): Promise<ExitCode> {
  const progress = new Progress(invocation.printer, 'progress.bytes', await inputSize(invocation))
  await withSink(invocation, 'out', (sink) =>
    withCoffre(invocation, async (coffre) => {
      // A Node stream of a file or a pipe gives Uint8Array; its Web twin is typed for anything.
      const source = Readable.toWeb(openInput(invocation)) as ByteStream
      await copy(await transform(coffre, source), sink, progress)
    }),
  )
  return OK
}

async function copy(stream: ByteStream, sink: Sink, progress: Progress): Promise<void> {
  let bytes = 0
  try {
    for await (const piece of stream) {
      await sink.write(piece)
      bytes += piece.length
      await progress.show(bytes)
    }
  } finally {
    await progress.end()
  }
}

function readContext(invocation: Invocation) {
  const context = invocation.options.pairs('context')
  return context === undefined ? {} : { context }
}
