import { Readable } from 'node:stream'
import type { Coffre } from '../../model/coffre.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { openInput } from '../input/read-input.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { CONTEXT, FORCE, IN, OUT } from '../line/option-rows.ts'
import { Progress } from '../output/progress.ts'
import { withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

type Bytes = ReadableStream<Uint8Array>
type Transform = (coffre: Coffre, source: Bytes) => Promise<Bytes>

/** Files of any length, in constant memory; a server sees only the data key (docs/spec/file.md). */
export const fileCommands: readonly CommandRow[] = [
  {
    path: ['file', 'encrypt'],
    summary: 'command.file.encrypt',
    arguments: [{ syntax: '<key>', help: 'argument.key' }],
    options: [CONTEXT, IN, OUT, FORCE],
    run: runEncryptFile,
  },
  {
    path: ['file', 'decrypt'],
    summary: 'command.file.decrypt',
    options: [CONTEXT, IN, OUT, FORCE],
    run: runDecryptFile,
  },
]

async function runEncryptFile(invocation: Invocation): Promise<ExitCode> {
  const { encryptFile } = await import('../../app.ts')
  const options = { key: valueAt(invocation, 0), ...readContext(invocation) }
  return pass(invocation, (coffre, source) => encryptFile(coffre, source, options))
}

async function runDecryptFile(invocation: Invocation): Promise<ExitCode> {
  const { decryptFile } = await import('../../app.ts')
  return pass(invocation, (coffre, source) => decryptFile(coffre, source, readContext(invocation)))
}

/** With --out, the file appears only when the last byte has been verified. */
async function pass(invocation: Invocation, transform: Transform): Promise<ExitCode> {
  const progress = new Progress(invocation.printer, 'progress.bytes')
  let bytes = 0
  await withSink(invocation, 'out', (sink) =>
    withCoffre(invocation, async (coffre) => {
      // A Node stream of a file or a pipe gives Uint8Array; its Web twin is typed for anything.
      const source = Readable.toWeb(openInput(invocation)) as Bytes
      for await (const piece of await transform(coffre, source)) {
        await sink.write(piece)
        bytes += piece.length
        await progress.show(bytes)
      }
    }),
  )
  await progress.end()
  return OK
}

function readContext(invocation: Invocation) {
  const context = invocation.options.pairs('context')
  return context === undefined ? {} : { context }
}
