import { basename, dirname, resolve } from 'node:path'
import type { FernetSource } from '../../app.ts'
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
    { flags: '--env-file <file>', help: 'option.fernetEnvFile' },
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
  const path = source?.kind === 'env-file' ? source.path : undefined
  if (options.flag('dry-run')) {
    if (source?.kind === 'env-file') await plan(source)
    const lines = path === undefined ? [] : [printer.say('secretFile.wouldChange', { path })]
    return reportPlan(invocation, { request: path === undefined ? {} : { envFile: path }, lines })
  }
  await confirm(invocation, 'prompt.revokeApiKeys')
  const { makeFernetKey } = await import('../../app.ts')
  const key = new Secret(makeFernetKey())
  const revoke = () => withCoffre(invocation, (coffre) => coffre.apiKeys.revokeAll())
  const { revoked } = source?.kind === 'env-file' ? await replaceKey(source, key, revoke) : await revoke()
  const shown = options.flag('print') ? { FERNET_SECRET_KEY: key.reveal() } : {}
  const view = { revoked, ...(path === undefined ? {} : { envFile: path }), ...shown }
  await printer.done(view, 'done.apiKeysRevoked', { revoked })
  if (path !== undefined) await printer.note('done.apiKeysRevokedFile', { path })
  else await printer.note('done.apiKeysRevokedNext')
  if (!printer.json && options.flag('print')) await writeTo(invocation.terminal.stdout, `${key.reveal()}\n`)
  return OK
}

type EnvFile = Extract<FernetSource, { readonly kind: 'env-file' }>

/** Of another machine's settings this one knows nothing: there --env-file says which file it is. */
async function findSource({ options, terminal }: Invocation): Promise<FernetSource | undefined> {
  const { findFernetSource, findInEnvFile } = await import('../../app.ts')
  const given = options.text('env-file')
  if (given !== undefined) {
    const found = findInEnvFile(resolve(given))
    if (found?.kind === 'env-file') return found
    throw new CoffreError('SECRET_KEY_MISSING', { facts: { name: 'FERNET_SECRET_KEY', file: given } })
  }
  if (choosePlace(options, terminal.environment).kind === 'server') return undefined
  return findFernetSource({ environment: terminal.environment, folder: process.cwd() })
}

async function plan({ path, name }: EnvFile): Promise<void> {
  const { planReplacement } = await import('../../app-secret-files.ts')
  await planReplacement(dirname(path), { path: basename(path), name })
}

async function replaceKey<Result>(
  { path, name }: EnvFile,
  value: Secret,
  revoke: () => Promise<Result>,
): Promise<Result> {
  const { replaceValue, secretFilesOf } = await import('../../app-secret-files.ts')
  return replaceValue(secretFilesOf(dirname(path)), { path: basename(path), name, value }, revoke)
}
