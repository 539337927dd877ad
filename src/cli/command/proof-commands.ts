import type { Coffre, Verified } from '../../model/coffre.ts'
import { MAX_MESSAGE_BYTES } from '../../model/limits.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { readBytes, readProof } from '../input/read-input.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { FORCE, IN, KEY_VERSION, OUT, RAW } from '../line/option-rows.ts'
import { formatJson } from '../output/printer.ts'
import { withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

const KEY = { syntax: '<key>', help: 'argument.key' } as const
const WRITING: readonly OptionRow[] = [IN, OUT, FORCE, RAW]
const VERSION_RANGE = { from: 1, to: 2 ** 31 - 1 }

/** Signatures and MACs: what proves where a message comes from. */
export const proofCommands: readonly CommandRow[] = [
  { path: ['sign'], summary: 'command.sign', arguments: [KEY], options: WRITING, run: runSign },
  {
    path: ['verify'],
    summary: 'command.verify',
    arguments: [KEY],
    options: [
      { flags: '--signature <base64>', help: 'option.signature' },
      { flags: '--signature-file <file>', help: 'option.signatureFile' },
      RAW,
      KEY_VERSION,
      IN,
    ],
    run: runVerify,
  },
  { path: ['mac', 'create'], summary: 'command.mac.create', arguments: [KEY], options: WRITING, run: runMac },
  {
    path: ['mac', 'verify'],
    summary: 'command.mac.verify',
    arguments: [KEY],
    options: [
      { flags: '--mac <base64>', help: 'option.mac' },
      { flags: '--mac-file <file>', help: 'option.macFile' },
      RAW,
      KEY_VERSION,
      IN,
    ],
    run: runVerifyMac,
  },
]

async function runSign(invocation: Invocation): Promise<ExitCode> {
  const request = { key: valueAt(invocation, 0), message: await readMessage(invocation) }
  return writeProof(invocation, async (coffre) => {
    const result = await coffre.sign(request)
    return { result, proof: result.signature }
  })
}

async function runMac(invocation: Invocation): Promise<ExitCode> {
  const request = { key: valueAt(invocation, 0), message: await readMessage(invocation) }
  return writeProof(invocation, async (coffre) => {
    const result = await coffre.mac(request)
    return { result, proof: result.mac }
  })
}

async function runVerify(invocation: Invocation): Promise<ExitCode> {
  const signature = await readProof(invocation, 'signature')
  const shared = await readVerification(invocation)
  return reportValid(invocation, (coffre) => coffre.verify({ ...shared, signature }))
}

async function runVerifyMac(invocation: Invocation): Promise<ExitCode> {
  const mac = await readProof(invocation, 'mac')
  const shared = await readVerification(invocation)
  return reportValid(invocation, (coffre) => coffre.verifyMac({ ...shared, mac }))
}

async function readVerification(
  invocation: Invocation,
): Promise<{ readonly key: string; readonly message: Uint8Array; readonly version?: number }> {
  const version = invocation.options.wholeNumber('key-version', VERSION_RANGE)
  const message = await readMessage(invocation)
  return { key: valueAt(invocation, 0), message, ...(version === undefined ? {} : { version }) }
}

async function reportValid(
  invocation: Invocation,
  verify: (coffre: Coffre) => Promise<Verified>,
): Promise<ExitCode> {
  const verified = await withCoffre(invocation, verify)
  await invocation.printer.done(verified, 'done.verified', { key: verified.key, version: verified.version })
  return OK
}

async function writeProof(
  invocation: Invocation,
  make: (coffre: Coffre) => Promise<{ readonly result: object; readonly proof: Uint8Array }>,
): Promise<ExitCode> {
  const { options, printer } = invocation
  await withSink(invocation, 'out', async (sink) => {
    const { result, proof } = await withCoffre(invocation, make)
    if (printer.json) await sink.write(`${formatJson(result)}\n`)
    else if (options.flag('raw')) await sink.write(proof)
    else await sink.write(`${Buffer.from(proof).toString('base64')}\n`)
  })
  return OK
}

function readMessage(invocation: Invocation): Promise<Uint8Array> {
  return readBytes(invocation, { maximumBytes: MAX_MESSAGE_BYTES, prompt: 'prompt.message' })
}
