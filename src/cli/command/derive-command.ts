import type { DeriveKeyRequest } from '../../model/coffre.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { FORCE, KEY_VERSION, OUT, RAW } from '../line/option-rows.ts'
import { formatJson } from '../output/printer.ts'
import { readLimitedFile } from '../input/read-limited.ts'
import { withSink } from '../output/sink.ts'
import { withCoffre } from '../with-coffre.ts'

/** A PEM of any public key that is accepted has less than 1 KiB. */
const MAX_PEM_BYTES = 4_096
const DERIVED_BYTES = { from: 16, to: 64 }
const VERSION_RANGE = { from: 1, to: 2 ** 31 - 1 }

/** Key agreement with a peer (docs/spec/agreement.md). */
export const deriveCommand: CommandRow = {
  path: ['derive-key'],
  summary: 'command.derive-key',
  arguments: [{ syntax: '<key>', help: 'argument.key' }],
  options: [
    { flags: '--peer <file>', help: 'option.peer' },
    { flags: '--info <text>', help: 'option.info' },
    { flags: '--bytes <number>', help: 'option.dataKeyBytes' },
    KEY_VERSION,
    RAW,
    OUT,
    FORCE,
  ],
  run: runDerive,
}

async function runDerive(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const request = await readRequest(invocation)
  await withSink(invocation, 'out', async (sink) => {
    const result = await withCoffre(invocation, (coffre) => coffre.deriveKey(request))
    if (printer.json) await sink.write(`${formatJson(result)}\n`)
    else if (options.flag('raw')) await sink.write(result.derivedKey)
    else await sink.write(`${Buffer.from(result.derivedKey).toString('base64')}\n`)
  })
  return OK
}

async function readRequest(invocation: Invocation): Promise<DeriveKeyRequest> {
  const { options } = invocation
  const peer = await readLimitedFile(options.required('peer'), {
    name: '--peer',
    maximumBytes: MAX_PEM_BYTES,
  })
  const bytes = options.wholeNumber('bytes', DERIVED_BYTES)
  const version = options.wholeNumber('key-version', VERSION_RANGE)
  return {
    key: valueAt(invocation, 0),
    peerPublicKey: Buffer.from(peer).toString('latin1'),
    info: options.required('info'),
    ...(bytes === undefined ? {} : { bytes }),
    ...(version === undefined ? {} : { version }),
  }
}
