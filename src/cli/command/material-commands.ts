import type { Coffre, DataKey, DataKeyRequest } from '../../model/coffre.ts'
import { MAX_CIPHERTEXT_CHARACTERS, MAX_PLAINTEXT_BYTES, MAX_RANDOM_BYTES } from '../../model/limits.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { readBeginning } from '../input/read-input.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { formatInspection } from '../output/inspection-text.ts'
import { CONTEXT, FORCE, IN, OUT, RAW } from '../line/option-rows.ts'
import { formatJson, type Printer } from '../output/printer.ts'
import { type Sink, withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

const DATA_KEY_BYTES = { from: 16, to: 64 }
const RANDOM_BYTES = { from: 1, to: MAX_RANDOM_BYTES }

export const materialCommands: readonly CommandRow[] = [
  {
    path: ['data-key', 'generate'],
    summary: 'command.data-key.generate',
    arguments: [{ syntax: '<key>', help: 'argument.key' }],
    options: [
      { flags: '--bytes <number>', help: 'option.dataKeyBytes' },
      CONTEXT,
      { flags: '--ciphertext-only', help: 'option.ciphertextOnly' },
      { flags: '--plaintext-out <file>', help: 'option.plaintextOut' },
      OUT,
      FORCE,
    ],
    run: runDataKey,
  },
  {
    path: ['random'],
    summary: 'command.random',
    options: [
      { flags: '--bytes <number>', help: 'option.randomBytes' },
      { flags: '--hex', help: 'option.hex' },
      RAW,
      OUT,
      FORCE,
    ],
    run: runRandom,
  },
  { path: ['inspect'], summary: 'command.inspect', options: [IN], run: runInspect },
]

async function runDataKey(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  options.exclude('ciphertext-only', 'plaintext-out')
  const request = readDataKeyRequest(invocation)
  if (options.text('plaintext-out') === undefined) {
    await withSink(invocation, 'out', async (sink) => {
      const made = await withCoffre(invocation, (coffre) => coffre.generateDataKey(request))
      await sink.write(formatDataKey(invocation.printer, made))
    })
    return OK
  }
  // Both files are opened before the key is made, so that a key is not made for a place that cannot hold it.
  await withSink(invocation, 'plaintext-out', (secret) =>
    withSink(invocation, 'out', (sink) =>
      withCoffre(invocation, (coffre) => splitDataKey(invocation, coffre, { request, secret, sink })),
    ),
  )
  return OK
}

function readDataKeyRequest(invocation: Invocation): DataKeyRequest {
  const { options } = invocation
  const bytes = options.wholeNumber('bytes', DATA_KEY_BYTES)
  const context = options.pairs('context')
  return {
    key: valueAt(invocation, 0),
    ...(bytes === undefined ? {} : { bytes }),
    ...(context === undefined ? {} : { context }),
    ...(options.flag('ciphertext-only') ? { withPlaintext: false } : {}),
  }
}

interface Split {
  readonly request: DataKeyRequest
  readonly secret: Sink
  readonly sink: Sink
}

async function splitDataKey(invocation: Invocation, coffre: Coffre, split: Split): Promise<void> {
  const { plaintext, ...rest } = await coffre.generateDataKey(split.request)
  await split.secret.write(plaintext ?? '')
  await split.sink.write(formatDataKey(invocation.printer, rest))
}

function formatDataKey(printer: Printer, made: DataKey): string {
  if (printer.json) return `${formatJson(made)}\n`
  const plaintext = made.plaintext === undefined ? '' : `${Buffer.from(made.plaintext).toString('base64')}\n`
  return `${made.ciphertext}\n${plaintext}`
}

async function runRandom(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  options.exclude('hex', 'raw')
  const count = options.wholeNumber('bytes', RANDOM_BYTES)
  await withSink(invocation, 'out', async (sink) => {
    const request = count === undefined ? {} : { bytes: count }
    const result = await withCoffre(invocation, (coffre) => coffre.random(request))
    const text = Buffer.from(result.bytes).toString(options.flag('hex') ? 'hex' : 'base64')
    if (printer.json) await sink.write(`${formatJson(result)}\n`)
    else await sink.write(options.flag('raw') ? result.bytes : `${text}\n`)
  })
  return OK
}

async function runInspect(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const maximumBytes = MAX_CIPHERTEXT_CHARACTERS
  const blob = toBlob(await readBeginning(invocation, { maximumBytes, prompt: 'prompt.blob' }))
  const found = await withCoffre(invocation, (coffre) => coffre.inspect(blob))
  await printer.show(found, () => formatInspection(printer, found))
  return OK
}

/** Text formats are ASCII; anything else is one of the binary ones, of which a server takes no more in base64. */
function toBlob(bytes: Uint8Array): string | Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  return /^[\x20-\x7e\s]*$/.test(text) ? text.trim() : bytes.subarray(0, MAX_PLAINTEXT_BYTES)
}
