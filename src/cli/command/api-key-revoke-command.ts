import { basename, dirname, resolve } from 'node:path'
import type { FernetSource } from '../../app.ts'
import type { RevokeAllOptions } from '../../model/api-key.ts'
import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import type { Invocation } from '../invocation.ts'
import { DRY_RUN, YES } from '../line/option-rows.ts'
import { reportPlan } from '../output/report-plan.ts'
import { writeTo } from '../output/terminal.ts'
import { choosePlace } from '../place.ts'
import { withCoffre } from '../with-coffre.ts'

export const apiKeyRevokeCommand: CommandRow = {
  path: ['apikey', 'revoke-all'],
  summary: 'command.apikey.revoke-all',
  options: [
    // Not --env-file: Node takes that for its own wherever it stands, and ends where there is no such file.
    { flags: '--dotenv <file>', help: 'option.fernetEnvFile' },
    { flags: '--keep-file', help: 'option.keepFernetFile' },
    { flags: '--resume', help: 'option.resumeRevocation' },
    { flags: '--print', help: 'option.printFernetKey' },
    YES,
    DRY_RUN,
  ],
  run: runRevoke,
}

/** Rows and key together, where the key is in a file that can be written here. */
async function runRevoke(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const source = await findSource(invocation)
  const file = fileOf(source, invocation)
  const isResuming = options.flag('resume')
  if (options.flag('dry-run')) {
    if (file !== undefined) await plan(file)
    const lines = file === undefined ? [] : [printer.say('secretFile.wouldChange', { path: file.path })]
    return reportPlan(invocation, { request: file === undefined ? {} : { envFile: file.path }, lines })
  }
  if (!isResuming) await confirm(invocation, 'prompt.revokeApiKeys')
  const request = isResuming ? { resume: await keyOf(source, invocation) } : {}
  return report(invocation, file, await revokeAndReplace(invocation, file, request))
}

interface Done {
  readonly revoked: number
  /** What is in the file now, or may be put where the old one is. */
  readonly key: Secret
}

async function revokeAndReplace(
  invocation: Invocation,
  file: KeyFile | undefined,
  request: RevokeAllOptions,
): Promise<Done> {
  const { makeFernetKey } = await import('../../app.ts')
  const key = new Secret(makeFernetKey())
  const revoke = () => withCoffre(invocation, (coffre) => coffre.apiKeys.revokeAll(request))
  const { revoked } = file === undefined ? await revoke() : await replaceKey(file, key, revoke)
  return { revoked, key }
}

async function report(
  invocation: Invocation,
  file: KeyFile | undefined,
  { revoked, key }: Done,
): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const isPrinting = options.flag('print')
  const shown = isPrinting ? { FERNET_SECRET_KEY: key.reveal() } : {}
  const view = { revoked, ...(file === undefined ? {} : { envFile: file.path }), ...shown }
  if (options.flag('resume')) await printer.done(view, 'done.apiKeysRevocationResumed')
  else await printer.done(view, 'done.apiKeysRevoked', { revoked })
  if (file === undefined) await printer.note('done.apiKeysRevokedNext')
  else await printer.note('done.apiKeysRevokedFile', { path: file.path })
  if (!printer.json && isPrinting) await writeTo(terminal.stdout, `${key.reveal()}\n`)
  return OK
}

type KeyFile = Exclude<FernetSource, { readonly kind: 'environment' }>

/** Of another machine's settings this one knows nothing: there --dotenv says which file it is. */
async function findSource({ options, terminal }: Invocation): Promise<FernetSource | undefined> {
  const { findFernetSource, findInEnvFile } = await import('../../app.ts')
  const given = options.text('dotenv')
  if (given !== undefined) {
    const found = findInEnvFile(resolve(given))
    if (found !== undefined) return found
    throw new CoffreError('CONFIG_REFUSED', {
      facts: { '--dotenv': 'a file with FERNET_SECRET_KEY or FERNET_SECRET_KEY_FILE', file: given },
    })
  }
  if (choosePlace(options, terminal.environment).kind === 'server') return undefined
  return findFernetSource({ environment: terminal.environment, folder: process.cwd() })
}

function fileOf(source: FernetSource | undefined, { options }: Invocation): KeyFile | undefined {
  return source === undefined || source.kind === 'environment' || options.flag('keep-file')
    ? undefined
    : source
}

/** The key that has yet to be replaced, by its check value. */
async function keyOf(
  source: FernetSource | undefined,
  { terminal }: Invocation,
): Promise<{ readonly key?: string }> {
  const { fernetCheckOf } = await import('../../app.ts')
  return source === undefined ? {} : { key: fernetCheckOf(source, terminal.environment) }
}

async function plan(file: KeyFile): Promise<void> {
  const { planReplacement } = await import('../../app-secret-files.ts')
  try {
    await planReplacement(dirname(file.path), placeOf(file))
  } catch (error) {
    throw namingKeepFile(error)
  }
}

async function replaceKey<Result>(
  file: KeyFile,
  value: Secret,
  revoke: () => Promise<Result>,
): Promise<Result> {
  const { replaceValue, secretFilesOf } = await import('../../app-secret-files.ts')
  let isRevoked = false
  const work = async () => {
    const done = await revoke()
    isRevoked = true
    return done
  }
  try {
    return await replaceValue(secretFilesOf(dirname(file.path)), { ...placeOf(file), value }, work)
  } catch (cause) {
    if (!isRevoked) throw namingKeepFile(cause)
    const expected =
      'a new key: those of users are erased, and this file has the old one; run it with --resume'
    throw new CoffreError('CONFIG_REFUSED', {
      facts: { FERNET_SECRET_KEY: expected, file: file.path },
      cause,
    })
  }
}

/** Mounted secrets are links or read-only: whoever has to revoke now is told how. */
function namingKeepFile(error: unknown): unknown {
  if (!(error instanceof CoffreError) || error.code !== 'SECRET_FILE_REFUSED') return error
  const or = '--keep-file, which erases the keys and leaves this file to you'
  return new CoffreError(error.code, { facts: { ...error.facts, or }, cause: error })
}

function placeOf(file: KeyFile) {
  return { path: basename(file.path), ...(file.kind === 'env-file' ? { name: file.name } : {}) }
}
