import type { CacheService } from '../../app-cache.ts'
import {
  CACHE_TYPES,
  DAILY_TYPES,
  parseCacheName,
  parseCacheType,
  parseDailyType,
} from '../../model/cache-name.ts'
import {
  CACHE_ERRORS,
  type CacheResult,
  type CacheSelection,
  type CacheSpace,
  type CacheWalk,
  type JsonStyle,
} from '../../model/cache.ts'
import { CoffreError } from '../../model/errors.ts'
import { joinJson, JsonText, restyleJson } from '../../model/json-text.ts'
import type { Secret } from '../../model/secret.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { EXIT_CODES, type ExitCode, OK } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { readBytes } from '../input/read-input.ts'
import { readSecretFile } from '../input/secret-file.ts'
import { type Invocation, valueAt } from '../invocation.ts'
import { DRY_RUN, IN, YES } from '../line/option-rows.ts'
import { formatEntries } from '../output/cache-text.ts'
import { reportPlan } from '../output/report-plan.ts'
import { visible } from '../output/printer.ts'
import { writeTo } from '../output/terminal.ts'
import { UsageError } from '../usage-error.ts'
import { explain, readAge, readTtl, withCache, withRemains, withUserSpace } from '../with-cache.ts'

const MAX_VALUE_BYTES = 1024 * 1024
const MAX_SECRET_BYTES = 1_024
const NAME = { syntax: '<name>', help: 'argument.cacheName' } as const
const USER: OptionRow = { flags: '--user <user>', help: 'option.cacheUser' }
const SECRET: OptionRow = { flags: '--client-secret-file <file>', help: 'option.cacheSecretFile' }
const TTL: OptionRow = { flags: '--ttl <seconds>', help: 'option.cacheTtl' }
const AGE: OptionRow = { flags: '--ttl <seconds>', help: 'option.cacheAge' }
const FROM: OptionRow = { flags: '--from <date>', help: 'option.cacheFrom' }
const TO: OptionRow = { flags: '--to <date>', help: 'option.cacheTo' }
const PDL: OptionRow = { flags: '--pdl <pdl>', help: 'option.cachePdl' }
const TYPE: OptionRow = { flags: '--type <type>', help: 'argument.cacheType', choices: CACHE_TYPES }
const SELECTION = [PDL, TYPE, FROM, TO]
const HASHED: OptionRow = { flags: '--hashed-names', help: 'option.cacheHashedNames' }
const JSON_STYLES = ['compact', 'python'] as const
const JSON_STYLE: OptionRow = {
  flags: '--json-style <style>',
  help: 'option.cacheJsonStyle',
  choices: JSON_STYLES,
}

export const cacheCommands: readonly CommandRow[] = [
  {
    path: ['cache', 'set'],
    summary: 'command.cache.set',
    arguments: [NAME],
    options: [USER, SECRET, TTL, JSON_STYLE, HASHED, IN, DRY_RUN],
    run: runSet,
  },
  {
    path: ['cache', 'get'],
    summary: 'command.cache.get',
    arguments: [NAME],
    options: [USER, SECRET, AGE, { flags: '--explain', help: 'option.cacheExplain' }],
    run: runGet,
  },
  {
    path: ['cache', 'range'],
    summary: 'command.cache.range',
    arguments: [
      { syntax: '<type>', help: 'argument.cacheType', choices: DAILY_TYPES },
      { syntax: '<pdl>', help: 'option.cachePdl' },
    ],
    options: [FROM, TO, USER, SECRET, AGE],
    run: runRange,
  },
  {
    path: ['cache', 'delete'],
    summary: 'command.cache.delete',
    arguments: [NAME],
    options: [USER, DRY_RUN],
    run: runDelete,
  },
  {
    path: ['cache', 'list'],
    summary: 'command.cache.list',
    options: [USER, SECRET, ...SELECTION],
    run: runList,
  },
  {
    path: ['cache', 'purge'],
    summary: 'command.cache.purge',
    options: [USER, SECRET, ...SELECTION, YES, DRY_RUN],
    run: runPurge,
  },
  {
    path: ['cache', 'rekey'],
    summary: 'command.cache.rekey',
    options: [
      USER,
      { flags: '--old-file <file>', help: 'option.cacheOldFile' },
      { flags: '--new-file <file>', help: 'option.cacheNewFile' },
      DRY_RUN,
    ],
    run: runRekey,
  },
  {
    path: ['cache', 'migrate'],
    summary: 'command.cache.migrate',
    options: [
      USER,
      SECRET,
      { flags: '--format <format>', help: 'option.cacheFormat', choices: ['v1', 'v2'] },
      DRY_RUN,
    ],
    run: runMigrate,
  },
  {
    path: ['cache', 'erase'],
    summary: 'command.cache.erase',
    options: [USER, SECRET, YES, DRY_RUN],
    run: runErase,
  },
  { path: ['cache', 'status'], summary: 'command.cache.status', options: [USER], run: runStatus },
]

async function runSet(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = readName(invocation)
  const ttl = readTtl(invocation)
  const secret = await readSecret(invocation, 'client-secret-file')
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { name }, lines: [] })
  const bytes = await readBytes(invocation, { maximumBytes: MAX_VALUE_BYTES, prompt: 'prompt.plaintext' })
  const value = readValue(bytes, options.choice('json-style', JSON_STYLES))
  const isStored = await withEither(invocation, secret, {
    source: (cache, key) => cache.set(name, value, key, ttl),
    user: (user) => user.set(name, value, ttl),
  })
  if (!isStored && ttl !== 0) throw new CoffreError('CACHE_UNAVAILABLE')
  await printer.done({ name, stored: isStored }, isStored ? 'done.cacheSet' : 'done.cacheNotStored')
  return OK
}

async function runGet(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const tell = options.flag('explain') ? explain : () => undefined
  const name = readName(invocation)
  tell(invocation, 'name')
  const secret = await readSecret(invocation, 'client-secret-file')
  tell(invocation, 'credential')
  const age = readAge(invocation)
  const result = await withEither<CacheResult>(invocation, secret, {
    source: (cache, key) => cache.lookup(name, key, age),
    user: (user) => user.lookup(name),
  })
  if (result.status !== 'HIT')
    throw new CoffreError(CACHE_ERRORS[result.status], { facts: { status: result.status } })
  const { status, writtenAt, format, bytes } = result
  // Byte for byte as it was written: 1.0 stays 1.0.
  const text = Buffer.from(bytes).toString()
  if (printer.json) await printer.show(viewOf({ status, writtenAt, format }, text), () => [])
  else await writeTo(terminal.stdout, `${text}\n`)
  return OK
}

function viewOf(head: object, value: string): JsonText {
  return new JsonText(joinJson(head, 'value', value))
}

async function runRange(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const [type, pdl] = [parseDailyType(valueAt(invocation, 0)), valueAt(invocation, 1)]
  const range = { type, pdl, from: options.required('from'), to: options.required('to') }
  const age = readAge(invocation)
  const secret = await readSecret(invocation, 'client-secret-file')
  const results = await withEither(invocation, secret, {
    source: (cache, key) => cache.getRange(range, key, age),
    user: (user) => user.getRange(range),
  })
  const days = results.map(({ date, ...each }) => {
    const head = { date, status: each.status }
    return each.status === 'HIT'
      ? viewOf(head, Buffer.from(each.bytes).toString()).text
      : JSON.stringify(head)
  })
  await printer.show(new JsonText(`{"days":[${days.join(',')}]}`), () =>
    results.map((each) =>
      visible(
        `${each.date} ${each.status}${each.status === 'HIT' ? ` ${Buffer.from(each.bytes).toString()}` : ''}`,
      ),
    ),
  )
  const worst = (['TAMPERED', 'UNAVAILABLE', 'WRONG_KEY', 'NOT_JSON'] as const).find((status) =>
    results.some((each) => each.status === status),
  )
  return worst === undefined ? OK : EXIT_CODES[CACHE_ERRORS[worst]]
}

async function runDelete(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const name = readName(invocation)
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { name }, lines: [] })
  const deleted =
    options.text('user') === undefined
      ? await withCache(invocation, (cache) => cache.delete(name))
      : await withUser(invocation, undefined, (user) => user.delete(name))
  if (!deleted) throw new CoffreError('CACHE_MISS')
  await printer.done({ name, deleted }, 'done.cacheDeleted')
  return OK
}

async function runList(invocation: Invocation): Promise<ExitCode> {
  const selection = readSelection(invocation)
  const secret = await readSecret(invocation, 'client-secret-file')
  return withUser(invocation, secret, async (user) => {
    const entries = await user.list(selection)
    await invocation.printer.show({ entries }, () => formatEntries(invocation.printer, entries))
    const isChanged = entries.some(({ status }) => status === 'TAMPERED')
    return isChanged ? EXIT_CODES.CACHE_TAMPERED : OK
  })
}

async function runPurge(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const selection = readSelection(invocation)
  const secret = await readSecret(invocation, 'client-secret-file')
  return withUser(invocation, secret, async (user, id) => {
    const planned = await user.purge(selection, { dryRun: true })
    if (options.flag('dry-run')) {
      const request = { user: id, ...selection, names: planned.names }
      return reportPlan(invocation, { request, lines: planned.names })
    }
    await confirm(invocation, 'prompt.cachePurge', { entries: planned.names.length })
    const { names } = await user.purge(selection)
    await printer.done({ user: id, names }, 'done.cachePurged', { entries: names.length })
    return OK
  })
}

async function runRekey(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  const before = await readSecret(invocation, 'old-file')
  const after = await readSecret(invocation, 'new-file')
  if (before === undefined) throw UsageError.of('usage.optionMissing', { name: '--old-file' })
  if (after === undefined) throw UsageError.of('usage.optionMissing', { name: '--new-file' })
  return withUser(invocation, before, async (user, id) => {
    if (options.flag('dry-run')) return reportPlan(invocation, { request: { user: id }, lines: [] })
    return showWalk(invocation, id, await user.rekey(before, after))
  })
}

async function runMigrate(invocation: Invocation): Promise<ExitCode> {
  const { options } = invocation
  const to = options.choice('format', ['v1', 'v2'] as const) ?? 'v2'
  const secret = await readSecret(invocation, 'client-secret-file')
  if (secret === undefined) throw UsageError.of('usage.optionMissing', { name: '--client-secret-file' })
  return withUser(invocation, secret, async (user, id) => {
    const dryRun = options.flag('dry-run')
    const walk = await user.migrate(to, secret, { dryRun })
    if (!dryRun) return showWalk(invocation, id, walk)
    const lines = [invocation.printer.say('done.cacheWalk', walkValues(walk))]
    return reportPlan(invocation, { request: { user: id, to, ...walk }, lines })
  })
}

async function runErase(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const secret = await readSecret(invocation, 'client-secret-file')
  const space = { user: options.required('user'), ...(secret === undefined ? {} : { secret }) }
  return withRemains(invocation, space, async (user) => {
    const status = await user.status()
    if (options.flag('dry-run')) return reportPlan(invocation, { request: status, lines: [] })
    const { user: id } = status
    await confirm(invocation, 'prompt.cacheErase', { id })
    const receipt = await user.erase()
    await printer.show(receipt, () =>
      receipt.proof?.text === undefined ? [] : [receipt.proof.text.trimEnd()],
    )
    const entries = receipt.entries + receipt.legacyEntries
    await printer.note('done.cacheErased', { id, entries, remaining: receipt.remaining })
    return receipt.remaining === 0 ? OK : EXIT_CODES.CACHE_UNAVAILABLE
  })
}

function runStatus(invocation: Invocation): Promise<ExitCode> {
  return withUser(invocation, undefined, async (user) => {
    const status = await user.status()
    await invocation.printer.show(status, () =>
      Object.entries(status).map(([name, value]) => visible(`${name}: ${String(value)}`)),
    )
    return OK
  })
}

interface Either<Result> {
  readonly source: (cache: CacheService, secret: Secret) => Promise<Result>
  readonly user: (user: CacheSpace) => Promise<Result>
}

/** With --user the user's own space, with a secret alone the source's form. */
function withEither<Result>(
  invocation: Invocation,
  secret: Secret | undefined,
  { source, user }: Either<Result>,
): Promise<Result> {
  if (invocation.options.text('user') !== undefined) return withUser(invocation, secret, user)
  if (secret === undefined) {
    throw UsageError.of('usage.oneOf', { name: '--user', other: '--client-secret-file' })
  }
  return withCache(invocation, (cache) => source(cache, secret))
}

function withUser<Result>(
  invocation: Invocation,
  secret: Secret | undefined,
  work: (user: CacheSpace, id: string) => Promise<Result>,
): Promise<Result> {
  const { options } = invocation
  const user = options.required('user')
  const hashedNames = options.flag('hashed-names')
  return withUserSpace(invocation, { user, hashedNames, ...(secret === undefined ? {} : { secret }) }, work)
}

function readName(invocation: Invocation): string {
  const name = valueAt(invocation, 0)
  parseCacheName(name)
  return name
}

async function readSecret({ options, terminal }: Invocation, option: string): Promise<Secret | undefined> {
  const path = options.text(option)
  if (path === undefined) return undefined
  return readSecretFile(terminal, path, { name: `--${option}`, maximumBytes: MAX_SECRET_BYTES })
}

/** As it was typed, unless another style is asked for. */
function readValue(bytes: Uint8Array, style: JsonStyle | undefined): JsonText {
  const value = new JsonText(decodeText(bytes))
  return style === undefined ? value : new JsonText(restyleJson(value.text, style))
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'value', expected: 'JSON in UTF-8' } })
  }
}

function readSelection({ options }: Invocation): CacheSelection {
  const [pdl, type, from, to] = ['pdl', 'type', 'from', 'to'].map((name) => options.text(name))
  return {
    ...(pdl === undefined ? {} : { pdl }),
    ...(type === undefined ? {} : { type: parseCacheType(type) }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }
}

function walkValues({ done, already, kept, tampered }: CacheWalk) {
  return { done, already, kept, tampered }
}

async function showWalk({ printer }: Invocation, user: string, walk: CacheWalk): Promise<ExitCode> {
  await printer.done({ user, ...walk }, 'done.cacheWalk', walkValues(walk))
  return walk.tampered === 0 ? OK : EXIT_CODES.CACHE_TAMPERED
}
