import { API_KEY_PROVIDERS, WRAPPING_FORMS } from '../../model/api-key.ts'
import type { Coffre } from '../../model/coffre.ts'
import { MAX_API_KEY_CHARACTERS } from '../../model/limits.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, FINDING, OK } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { readSecretFile } from '../input/secret-file.ts'
import type { Invocation } from '../invocation.ts'
import { DRY_RUN, YES } from '../line/option-rows.ts'
import { formatApiKey, formatApiKeys } from '../output/api-key-text.ts'
import { Progress } from '../output/progress.ts'
import { reportPlan } from '../output/report-plan.ts'
import { writeTo } from '../output/terminal.ts'
import { readPage, showPage } from '../output/show-page.ts'
import { choosePlace } from '../place.ts'
import { withCoffre } from '../with-coffre.ts'
import { apiKeyRevokeCommand } from './api-key-revoke-command.ts'

const USER: OptionRow = { flags: '--user <user>', help: 'option.apiKeyUser' }

export const apiKeyCommands: readonly CommandRow[] = [
  {
    path: ['apikey', 'set'],
    summary: 'command.apikey.set',
    options: [
      USER,
      { flags: '--provider <name>', help: 'option.provider', choices: API_KEY_PROVIDERS },
      { flags: '--key-file <file>', help: 'option.apiKeyFile' },
      DRY_RUN,
    ],
    run: runSet,
  },
  { path: ['apikey', 'show'], summary: 'command.apikey.show', options: [USER], run: runShow },
  { path: ['apikey', 'test'], summary: 'command.apikey.test', options: [USER], run: runTest },
  {
    path: ['apikey', 'remove'],
    summary: 'command.apikey.remove',
    options: [USER, YES, DRY_RUN],
    run: runRemove,
  },
  {
    path: ['apikey', 'list'],
    summary: 'command.apikey.list',
    options: [
      { flags: '--after <id>', help: 'option.afterUser' },
      { flags: '--limit <number>', help: 'option.limitUsers' },
    ],
    run: runList,
  },
  {
    path: ['apikey', 'rotate-wrapping'],
    summary: 'command.apikey.rotate-wrapping',
    options: [{ flags: '--to <form>', help: 'option.wrappingForm', choices: WRAPPING_FORMS }, DRY_RUN],
    run: runRotate,
  },
  apiKeyRevokeCommand,
]

/** Absent: whoever holds the token; who opens a data folder is no user. */
function userOf({ options, terminal }: Invocation): { readonly user?: string } {
  const isFolder = choosePlace(options, terminal.environment).kind === 'folder'
  const user = isFolder ? options.required('user') : options.text('user')
  return user === undefined ? {} : { user }
}

async function runSet(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const provider = options.choice('provider', API_KEY_PROVIDERS)
  const request = { ...userOf(invocation), ...(provider === undefined ? {} : { provider }) }
  const limit = { name: '--key-file', maximumBytes: MAX_API_KEY_CHARACTERS }
  const apiKey = await readSecretFile(terminal, options.required('key-file'), limit)
  const work = async (coffre: Coffre) => {
    if (options.flag('dry-run')) {
      await coffre.apiKeys.get(request.user)
      return reportPlan(invocation, { request, lines: [] })
    }
    const stored = await coffre.apiKeys.set({ ...request, apiKey })
    await printer.done(stored, 'done.apiKeySet', { provider: stored.provider ?? '' })
    if (stored.looksUsual === false)
      await printer.note('done.apiKeyUnusual', { provider: stored.provider ?? '' })
    return OK
  }
  return withCoffre(invocation, work, { needsFernetKeys: true })
}

function runShow(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const apiKey = await coffre.apiKeys.get(userOf(invocation).user)
    await printer.show(apiKey, () => formatApiKey(printer, apiKey))
    return apiKey.status === 'unreadable' ? FINDING : OK
  })
}

function runTest(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const found = await coffre.apiKeys.test(userOf(invocation).user)
    const { verdict, status } = found
    await printer.done(found, 'done.apiKeyTested', { verdict, status: status ?? '–' })
    return verdict === 'accepted' ? OK : FINDING
  })
}

function runRemove(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { user } = userOf(invocation)
  return withCoffre(invocation, async (coffre) => {
    const { provider } = await coffre.apiKeys.get(user)
    if (options.flag('dry-run')) return reportPlan(invocation, { request: userOf(invocation), lines: [] })
    await confirm(invocation, 'prompt.removeApiKey', { provider: provider ?? '–' })
    await coffre.apiKeys.remove(user)
    await printer.done({ removed: true }, 'done.apiKeyRemoved')
    return OK
  })
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const query = readPage(invocation)
  return withCoffre(invocation, async (coffre) => {
    const items = await coffre.apiKeys.list(query)
    return showPage(invocation, query, {
      name: 'apiKeys',
      items,
      format: formatApiKeys,
      idOf: ({ user }) => user,
    })
  })
}

async function runRotate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const to = options.choice('to', WRAPPING_FORMS)
  const request = to === undefined ? {} : { to }
  if (options.flag('dry-run')) return reportPlan(invocation, { request, lines: [] })
  return withCoffre(invocation, async (coffre) => {
    const progress = new Progress(printer, 'progress.keys')
    const tell = (count: number, of: number) => void tellProgress(invocation, progress, { done: count, of })
    const done = await coffre.apiKeys.rotateWrapping({ ...request, tell }).finally(() => progress.end())
    const { rotated, unreadable, form } = done
    await printer.done(done, 'done.apiKeysRotated', { rotated, unreadable, form })
    return unreadable === 0 ? OK : FINDING
  })
}

/** A bar for a person; for a program a line of JSON on standard error, so that the result stays alone on standard output. */
async function tellProgress(
  { printer, terminal }: Invocation,
  progress: Progress,
  told: { readonly done: number; readonly of: number },
): Promise<void> {
  if (!printer.json) return progress.show(told.done, told.of)
  if (!printer.quiet) await writeTo(terminal.stderr, `${JSON.stringify({ event: 'progress', ...told })}\n`)
}
