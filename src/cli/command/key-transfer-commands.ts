import { ALGORITHM_NAMES, KEY_PURPOSES } from '../../model/algorithm-name.ts'
import { type ExportTarget, KEY_TRANSPORTS, type KeyMaterialInput } from '../../model/coffre-transfer.ts'
import { MAX_PASSPHRASE_BYTES } from '../../model/limits.ts'
import { parseKeyName } from '../../model/ids.ts'
import { Secret } from '../../model/secret.ts'
import type { ArgumentRow, CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { readLimited, readLimitedFile } from '../input/read-limited.ts'
import { readSecretText } from '../input/secret-file.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN, FORCE, OUT, RAW } from '../line/option-rows.ts'
import { formatJson } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withSink } from '../output/sink.ts'
import { LABEL_OPTIONS, readLabels } from '../input/key-labels.ts'
import { UsageError } from '../usage-error.ts'
import { withCoffre } from '../with-coffre.ts'

const NAME: ArgumentRow = { syntax: '<name>', help: 'argument.key' }
const FORMATS = ['pem', 'der', 'jwk', 'raw'] as const
/** The longest key that the Coffre reads, and the longest token. */
const MAX_KEY_BYTES = 16 * 1024
const VERSIONS = { from: 1, to: 2 ** 31 - 1 }

const TRANSPORT: OptionRow = {
  flags: '--transport <name>',
  help: 'option.transport',
  choices: KEY_TRANSPORTS,
}
const WRAPPING_KEY: OptionRow = { flags: '--wrapping-key <name>', help: 'option.wrappingKey' }

export const keyTransferCommands: readonly CommandRow[] = [
  {
    path: ['key', 'import-params'],
    summary: 'command.key.import-params',
    options: [{ flags: '--import-token-out <file>', help: 'option.importTokenOut' }, OUT, FORCE],
    run: runParams,
  },
  {
    path: ['key', 'import'],
    summary: 'command.key.import',
    arguments: [NAME],
    options: [
      { flags: '--file <file>', help: 'option.keyFile' },
      { flags: '--format <name>', help: 'option.keyFormat', choices: FORMATS },
      { flags: '--algorithm <name>', help: 'option.algorithm', choices: ALGORITHM_NAMES },
      { flags: '--purpose <name>', help: 'option.purpose', choices: KEY_PURPOSES },
      { flags: '--key-passphrase-file <file>', help: 'option.keyPassphraseFile' },
      { flags: '--import-token-file <file>', help: 'option.importTokenFile' },
      TRANSPORT,
      WRAPPING_KEY,
      { flags: '--new-version', help: 'option.newVersion' },
      { flags: '--exportable', help: 'option.exportable' },
      ...LABEL_OPTIONS,
      DRY_RUN,
    ],
    run: runImport,
  },
  {
    path: ['key', 'export'],
    summary: 'command.key.export',
    arguments: [NAME],
    options: [
      { flags: '--key-version <number>', help: 'option.keyVersion' },
      WRAPPING_KEY,
      { flags: '--recipient <file>', help: 'option.recipient' },
      TRANSPORT,
      { flags: '--key-passphrase-file <file>', help: 'option.keyPassphraseFile' },
      OUT,
      FORCE,
      RAW,
    ],
    run: runExport,
  },
]

async function runParams(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  if (printer.json) {
    return withCoffre(invocation, async (coffre) => {
      const params = await coffre.keys.importParams()
      await printer.show(params, () => [])
      return OK
    })
  }
  options.required('import-token-out')
  await withSink(invocation, 'import-token-out', (tokenSink) =>
    withSink(invocation, 'out', (sink) =>
      withCoffre(invocation, async (coffre) => {
        const { publicKey, importToken } = await coffre.keys.importParams()
        await tokenSink.write(`${importToken}\n`)
        await sink.write(publicKey)
      }),
    ),
  )
  return OK
}

async function runImport(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = parseKeyName(valueAt(invocation, 0))
  const material = await readMaterial(invocation)
  const isVersion = options.flag('new-version')
  const algorithm = options.choice('algorithm', ALGORITHM_NAMES)
  if (!isVersion && algorithm === undefined)
    throw UsageError.of('usage.optionMissing', { name: '--algorithm' })
  const purpose = options.choice('purpose', KEY_PURPOSES)
  const request = {
    name,
    algorithm: algorithm ?? 'aes256-gcm',
    ...(purpose === undefined ? {} : { purpose }),
    ...(options.flag('exportable') ? { exportable: true } : {}),
    ...readLabels(options),
  }
  return withCoffre(invocation, async (coffre) => {
    if (options.flag('dry-run')) return reportPlan(invocation, { key: name, request, lines: [] })
    const key = isVersion
      ? await coffre.keys.importVersion(name, material)
      : await coffre.keys.importKey({ ...request, material })
    await printer.done(key, 'done.imported', { key: key.name, version: key.versions.length })
    return OK
  })
}

async function readMaterial(invocation: Invocation): Promise<KeyMaterialInput> {
  const { options } = invocation
  options.exclude('import-token-file', 'wrapping-key')
  const bytes = await readFileOrInput(invocation, options.required('file'))
  const wrappingKey = options.text('wrapping-key')
  if (wrappingKey !== undefined) return { format: 'wrapped', wrappingKey, bytes }
  const tokenFile = options.text('import-token-file')
  if (tokenFile !== undefined) {
    const importToken = await readText(tokenFile, '--import-token-file', MAX_KEY_BYTES)
    const transport = options.choice('transport', KEY_TRANSPORTS) ?? 'rsa-aes-key-wrap'
    return { format: 'transported', transport, importToken, bytes }
  }
  const passphrase = await readPassphrase(invocation)
  const format = options.choice('format', FORMATS) ?? 'pem'
  return { format, bytes, ...(passphrase === undefined ? {} : { passphrase }) }
}

function readFileOrInput(invocation: Invocation, path: string): Promise<Uint8Array> {
  const limit = { name: '--file', maximumBytes: MAX_KEY_BYTES }
  return path === '-' ? readLimited(invocation.terminal.stdin, limit) : readLimitedFile(path, limit)
}

async function readPassphrase({ options }: Invocation): Promise<Secret | undefined> {
  const path = options.text('key-passphrase-file')
  if (path === undefined) return undefined
  return new Secret(await readText(path, '--key-passphrase-file', MAX_PASSPHRASE_BYTES))
}

async function readText(path: string, name: string, maximumBytes: number): Promise<string> {
  const bytes = await readLimitedFile(path, { name, maximumBytes })
  return readSecretText(bytes, name)
}

async function runExport(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = valueAt(invocation, 0)
  const target = await readTarget(invocation)
  const version = options.wholeNumber('key-version', VERSIONS)
  const request = { target, ...(version === undefined ? {} : { version }) }
  await withSink(invocation, 'out', async (sink) => {
    const made = await withCoffre(invocation, (coffre) => coffre.keys.exportKey(name, request))
    if (printer.json) await sink.write(`${formatJson(made)}\n`)
    else if (target.kind === 'passphrase' && !options.flag('raw')) await sink.write(toPem(made.wrapped))
    else await sink.write(made.wrapped)
  })
  return OK
}

async function readTarget(invocation: Invocation): Promise<ExportTarget> {
  const { options } = invocation
  options.exclude('wrapping-key', 'recipient')
  options.exclude('wrapping-key', 'key-passphrase-file')
  options.exclude('recipient', 'key-passphrase-file')
  const wrappingKey = options.text('wrapping-key')
  if (wrappingKey !== undefined) return { kind: 'wrapping-key', wrappingKey }
  const recipient = options.text('recipient')
  if (recipient !== undefined) {
    const publicKey = await readText(recipient, '--recipient', MAX_KEY_BYTES)
    const transport = options.choice('transport', KEY_TRANSPORTS) ?? 'rsa-aes-key-wrap'
    return { kind: 'recipient', publicKey: `${publicKey}\n`, transport }
  }
  const passphrase = await readPassphrase(invocation)
  if (passphrase !== undefined) return { kind: 'passphrase', passphrase }
  throw UsageError.of('usage.oneOf', { name: '--wrapping-key', other: '--recipient' })
}

/** RFC 7468, section 11. */
function toPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN ENCRYPTED PRIVATE KEY-----', ...lines, '-----END ENCRYPTED PRIVATE KEY-----', ''].join(
    '\n',
  )
}
