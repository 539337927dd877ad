import {
  type Coffre,
  type ContextPairs,
  type DecryptRequest,
  type RewrapRequest,
} from '../../model/coffre.ts'
import { MAX_CIPHERTEXT_CHARACTERS, MAX_PLAINTEXT_BYTES } from '../../model/limits.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { readBytes, readCiphertext } from '../input/read-input.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { CONTEXT, FORCE, IN, LINES, OUT } from '../line/option-rows.ts'
import type { OptionReader } from '../line/option-reader.ts'
import { formatJson } from '../output/printer.ts'
import { runLines } from '../input/run-lines.ts'
import { type Sink, withSink } from '../output/sink.ts'
import { UsageError } from '../usage-error.ts'
import { withCoffre } from '../with-coffre.ts'

const STREAMS: readonly OptionRow[] = [IN, OUT, FORCE, LINES]
const LINE_FEED = 0x0a

export const cipherCommands: readonly CommandRow[] = [
  {
    path: ['encrypt'],
    summary: 'command.encrypt',
    arguments: [{ syntax: '<key>', help: 'argument.key' }],
    options: [CONTEXT, ...STREAMS],
    run: runEncrypt,
  },
  {
    path: ['decrypt'],
    summary: 'command.decrypt',
    arguments: [{ syntax: '[key]', help: 'argument.sourceKey' }],
    options: [CONTEXT, ...STREAMS],
    run: runDecrypt,
  },
  {
    path: ['rewrap'],
    summary: 'command.rewrap',
    arguments: [{ syntax: '[key]', help: 'argument.sourceKey' }],
    options: [
      CONTEXT,
      { flags: '--to-key <name>', help: 'option.toKey' },
      { flags: '--to-context <name=value>', help: 'option.toContext', repeats: true },
      { flags: '--clear-context', help: 'option.clearContext' },
      ...STREAMS,
    ],
    run: runRewrap,
  },
]

async function runEncrypt(invocation: Invocation): Promise<ExitCode> {
  const shared = { key: valueAt(invocation, 0), ...contextOf(invocation.options) }
  const maximumBytes = MAX_PLAINTEXT_BYTES
  if (invocation.options.flag('lines')) {
    return runLines(invocation, {
      operation: 'encrypt',
      maximumBytes,
      toRequest: (line) => ({ ...shared, plaintext: line }),
      toLine: (result) => result.ciphertext,
    })
  }
  const plaintext = await readBytes(invocation, { maximumBytes, prompt: 'prompt.plaintext' })
  return writeResult(invocation, (coffre) => coffre.encrypt({ ...shared, plaintext }), writeCiphertext)
}

async function runDecrypt(invocation: Invocation): Promise<ExitCode> {
  const shared = { ...sourceKey(invocation), ...contextOf(invocation.options) }
  if (invocation.options.flag('lines')) {
    return runLines(invocation, {
      operation: 'decrypt',
      maximumBytes: MAX_CIPHERTEXT_CHARACTERS,
      toRequest: (line) => ({ ...shared, ciphertext: toText(line) }),
      toLine: (result, line) => requireOneLine(result.plaintext, line),
    })
  }
  const request: DecryptRequest = { ...shared, ciphertext: await readCiphertext(invocation) }
  return writeResult(
    invocation,
    (coffre) => coffre.decrypt(request),
    async (sink, { plaintext }) => {
      await sink.write(plaintext)
      // Only so that the shell's prompt starts on a line of its own; a file or pipe gets the exact bytes.
      if (sink.isTerminal && plaintext.at(-1) !== LINE_FEED) await sink.write('\n')
    },
  )
}

async function runRewrap(invocation: Invocation): Promise<ExitCode> {
  const shared = readRewrap(invocation)
  if (invocation.options.flag('lines')) {
    return runLines(invocation, {
      operation: 'rewrap',
      maximumBytes: MAX_CIPHERTEXT_CHARACTERS,
      toRequest: (line) => ({ ...shared, ciphertext: toText(line) }),
      toLine: (result) => result.ciphertext,
    })
  }
  const request: RewrapRequest = { ...shared, ciphertext: await readCiphertext(invocation) }
  return writeResult(invocation, (coffre) => coffre.rewrap(request), writeCiphertext)
}

function readRewrap(invocation: Invocation): Omit<RewrapRequest, 'ciphertext'> {
  const { options } = invocation
  options.exclude('to-context', 'clear-context')
  const toKey = options.text('to-key')
  const toContext = options.flag('clear-context') ? {} : options.pairs('to-context')
  return {
    ...sourceKey(invocation),
    ...contextOf(options),
    ...(toKey === undefined ? {} : { toKey }),
    ...(toContext === undefined ? {} : { toContext }),
  }
}

async function writeResult<Result extends object>(
  invocation: Invocation,
  ask: (coffre: Coffre) => Promise<Result>,
  write: (sink: Sink, result: Result) => Promise<void>,
): Promise<ExitCode> {
  await withSink(invocation, 'out', async (sink) => {
    const result = await withCoffre(invocation, ask)
    await (invocation.printer.json ? sink.write(`${formatJson(result)}\n`) : write(sink, result))
  })
  return OK
}

function writeCiphertext(sink: Sink, result: { readonly ciphertext: string }): Promise<void> {
  return sink.write(`${result.ciphertext}\n`)
}

function contextOf(options: OptionReader): { readonly context?: ContextPairs } {
  const context = options.pairs('context')
  return context === undefined ? {} : { context }
}

function sourceKey(invocation: Invocation): { readonly key?: string } {
  const [key] = invocation.values
  return key === undefined ? {} : { key }
}

function toText(line: Uint8Array): string {
  return Buffer.from(line).toString('latin1').trim()
}

/** A value with a line break would shift every result after it. */
function requireOneLine(plaintext: Uint8Array, line: number): Uint8Array {
  if (plaintext.includes(LINE_FEED)) throw UsageError.of('usage.lineBreak', { line })
  return plaintext
}
