import { MAX_CLIENT_SECRET_CHARACTERS } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import type { Coffre } from '../../model/coffre.ts'
import type { CreatedUser, DeletedCache } from '../../model/user.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { EXIT_CODES, type ExitCode, OK } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { readSecretFile } from '../input/secret-file.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN, FORCE, OUT, YES } from '../line/option-rows.ts'
import { formatJson } from '../output/printer.ts'
import { reportPlan } from '../output/report-plan.ts'
import { withSink } from '../output/sink.ts'
import { formatUser, formatUsers } from '../output/user-text.ts'
import { readPage, showPage } from '../output/show-page.ts'
import { withCoffre } from '../with-coffre.ts'

const USER = [{ syntax: '<user>', help: 'argument.user' }] as const
const OLD_FILE: OptionRow = { flags: '--old-file <file>', help: 'option.userOldFile' }
const SECRET_FILE: OptionRow = { flags: '--client-secret-file <file>', help: 'option.chosenSecretFile' }

const NOT_ERASED = { unreachable: 'done.userCacheUnreachable', 'not-set': 'done.userCacheNotSet' } as const

export const userCommands: readonly CommandRow[] = [
  {
    path: ['user', 'create'],
    summary: 'command.user.create',
    options: [{ flags: '--client-id <id>', help: 'option.clientId' }, SECRET_FILE, OUT, FORCE, DRY_RUN],
    run: runCreate,
  },
  {
    path: ['user', 'list'],
    summary: 'command.user.list',
    options: [
      { flags: '--after <id>', help: 'option.afterUser' },
      { flags: '--limit <number>', help: 'option.limitUsers' },
    ],
    run: runList,
  },
  { path: ['user', 'show'], summary: 'command.user.show', arguments: USER, run: runShow },
  {
    path: ['user', 'rotate-secret'],
    summary: 'command.user.rotate-secret',
    arguments: USER,
    options: [SECRET_FILE, OLD_FILE, OUT, FORCE, DRY_RUN],
    run: runRotate,
  },
  {
    path: ['user', 'delete'],
    summary: 'command.user.delete',
    arguments: USER,
    options: [YES, DRY_RUN],
    run: runDelete,
  },
]

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const clientId = invocation.options.text('client-id')
  const request = clientId === undefined ? {} : { clientId }
  const chosen = await readChosen(invocation)
  if (invocation.options.flag('dry-run')) return reportPlan(invocation, { request, lines: [] })
  return showSecret(invocation, 'done.userCreated', () =>
    withCoffre(invocation, (coffre) => coffre.users.create({ ...request, ...chosen })),
  )
}

async function runRotate(invocation: Invocation): Promise<ExitCode> {
  const user = valueAt(invocation, 0)
  const chosen = await readChosen(invocation)
  const oldSecret = await readSecretOption(invocation, 'old-file')
  if (invocation.options.flag('dry-run')) {
    const { id } = await withCoffre(invocation, (coffre) => coffre.users.get(user))
    return reportPlan(invocation, { request: { user: id }, lines: [] })
  }
  return showSecret(invocation, 'done.userSecretRotated', () =>
    withCoffre(invocation, (coffre) =>
      coffre.users.rotateSecret(user, { ...chosen, ...(oldSecret === undefined ? {} : { oldSecret }) }),
    ),
  )
}

async function readChosen(invocation: Invocation): Promise<{ readonly clientSecret?: Secret }> {
  const clientSecret = await readSecretOption(invocation, 'client-secret-file')
  return clientSecret === undefined ? {} : { clientSecret }
}

async function readSecretOption(
  { options, terminal }: Invocation,
  option: string,
): Promise<Secret | undefined> {
  const path = options.text(option)
  if (path === undefined) return undefined
  return readSecretFile(terminal, path, { name: `--${option}`, maximumBytes: MAX_CLIENT_SECRET_CHARACTERS })
}

/** The one moment at which a client secret shows itself. */
async function showSecret(
  invocation: Invocation,
  done: 'done.userCreated' | 'done.userSecretRotated',
  make: () => Promise<CreatedUser>,
): Promise<ExitCode> {
  const { printer } = invocation
  await withSink(invocation, 'out', async (sink) => {
    const { clientSecret, ...user } = await make()
    const secret = clientSecret?.reveal()
    const shown = secret === undefined ? user : { ...user, clientSecret: secret }
    if (printer.json) await sink.write(`${formatJson(shown)}\n`)
    else if (secret !== undefined) await sink.write(`${secret}\n`)
    await printer.note(done, { id: user.id, clientId: user.clientId })
  })
  return OK
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const query = readPage(invocation)
  return withCoffre(invocation, async (coffre) => {
    const items = await coffre.users.list(query)
    return showPage(invocation, query, { name: 'users', items, format: formatUsers, idOf: ({ id }) => id })
  })
}

function runShow(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withCoffre(invocation, async (coffre) => {
    const user = await coffre.users.get(valueAt(invocation, 0))
    await printer.show(user, () => formatUser(printer, user))
    return OK
  })
}

function runDelete(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const run = async (coffre: Coffre): Promise<ExitCode> => {
    const { id } = await coffre.users.get(valueAt(invocation, 0))
    if (options.flag('dry-run')) return reportPlan(invocation, { request: { user: id }, lines: [] })
    await confirm(invocation, 'prompt.deleteUser', { id })
    const { cache } = await coffre.users.delete(id)
    await printer.done({ id, deleted: true, cache }, 'done.userDeleted', { id })
    return tellCache(invocation, id, cache)
  }
  return withCoffre(invocation, run, { needsCache: true })
}

/** What is left of the entries is somebody's next step, and a script learns it by the exit code. */
async function tellCache({ printer }: Invocation, id: string, cache: DeletedCache): Promise<ExitCode> {
  if (cache.outcome === 'none') return OK
  if (cache.outcome !== 'erased') {
    await printer.note(NOT_ERASED[cache.outcome], { id })
    return EXIT_CODES.CACHE_UNAVAILABLE
  }
  const { entries, legacyEntries, remaining } = cache.receipt
  await printer.note('done.cacheErased', { id, entries: entries + legacyEntries, remaining })
  return remaining === 0 ? OK : EXIT_CODES.CACHE_UNAVAILABLE
}
