import { setTimeout } from 'node:timers/promises'
import type { NameSource } from '../app-names.ts'
import { isKeyName } from '../model/ids.ts'
import { commandRows } from './commands.ts'
import { readClientTls } from './input/client-tls.ts'
import { readLimited } from './input/read-limited.ts'
import { readSavedToken } from './input/saved-token.ts'
import { readToken } from './input/secret-setting.ts'
import { chooseDatabase } from './input/store-setting.ts'
import type { Sources } from './invocation.ts'
import { globalOptions } from './line/option-rows.ts'
import { readPartialLine, type Wanted } from './line/partial-line.ts'
import { type Environment, type Terminal, writeTo } from './output/terminal.ts'
import { choosePlace } from './place.ts'

/** The kernel allows 2 MiB for a command line; nobody types that. */
const MAX_LINE_BYTES = 64 * 1024
/** Somebody waits with a finger on the key. */
const DEFAULT_WAIT_MS = 300
const MAX_WAIT_MS = 10_000
/** One page of a server's list. */
const MAX_CANDIDATES = 1_000
/** Of names, ids and versions. Nothing else reaches a shell, whatever a server answers. */
const CANDIDATE = /^[A-Za-z0-9_.-]{1,128}$/

/**
 * What may stand at the cursor, a line for each, for the scripts of `coffre completion`. Reads the words of the line from
 * standard input, each ended by NUL: what somebody types may be a secret, and arguments are seen by everybody. Says
 * nothing where it knows nothing, and never fails.
 */
export async function complete(terminal: Terminal): Promise<void> {
  try {
    const text = Buffer.from(
      await readLimited(terminal.stdin, { name: 'stdin', maximumBytes: MAX_LINE_BYTES }),
    )
    const words = text.toString('utf8').split('\0').slice(0, -1)
    const home = terminal.environment['HOME'] ?? '~'
    const line = readPartialLine(
      words.map((word) => word.replace(/^~(?=\/)/, home)),
      commandRows,
      globalOptions,
    )
    const wait = waitOf(terminal.environment)
    const asked = { wanted: line.wanted, prefix: line.prefix, wait }
    const found = await Promise.race([
      find({ options: line.options, terminal }, asked),
      setTimeout(wait, [], { ref: false }),
    ])
    const fitting = found.filter((each) => CANDIDATE.test(each) && each.startsWith(line.prefix))
    if (fitting.length > 0) await writeTo(terminal.stdout, `${fitting.join('\n')}\n`)
  } catch {
    // A message in the middle of somebody's line helps nobody.
  }
}

/** For a server that is far away. */
function waitOf(environment: Environment): number {
  const given = Number(environment['COFFRE_COMPLETE_WAIT_MS'] ?? '')
  return given >= 1 && given <= MAX_WAIT_MS ? given : DEFAULT_WAIT_MS
}

interface Asked {
  readonly wanted: Wanted
  readonly prefix: string
  readonly wait: number
}

async function find(sources: Sources, { wanted, prefix, wait }: Asked): Promise<readonly string[]> {
  if (wanted.kind === 'nothing') return []
  if (wanted.kind === 'choices') return wanted.choices
  const source = await openSource(sources, wait)
  try {
    switch (wanted.of) {
      case 'key':
        return await findKeys(source, prefix)
      case 'version':
        return ((await source.findVersions(wanted.key ?? '')) ?? []).map(String)
      case 'token':
        return await source.listTokens()
      case 'policy':
        return await source.listPolicies()
      case 'login-role':
        return await source.listLoginRoles()
      case 'user':
        return await source.listUsers({ limit: MAX_CANDIDATES })
    }
  } finally {
    await source.close()
  }
}

/** Names are ordered, so those that begin with the prefix come right after it; itself may be one of them. */
async function findKeys(source: NameSource, prefix: string): Promise<readonly string[]> {
  if (prefix === '') return source.listKeys({ limit: MAX_CANDIDATES })
  if (!isKeyName(prefix)) return []
  const [itself, after] = await Promise.all([
    source.findVersions(prefix),
    source.listKeys({ after: prefix, limit: MAX_CANDIDATES }),
  ])
  return itself === undefined ? after : [prefix, ...after]
}

async function openSource(sources: Sources, wait: number): Promise<NameSource> {
  const place = choosePlace(sources.options, sources.terminal.environment)
  if (place.kind === 'server') return connectNames(sources, place.address, wait)
  const { openNames } = await import('../app-names.ts')
  const database = await chooseDatabase(sources)
  return openNames({ dataDir: place.dataDir, ...database, maxWaitMilliseconds: wait })
}

async function connectNames(sources: Sources, address: string, wait: number): Promise<NameSource> {
  const { connectCoffre } = await import('../client/connect-coffre.ts')
  const token = (await readToken(sources)) ?? (await readSavedToken(sources.terminal.environment, address))
  const allowInsecure = sources.options.flag('insecure-http')
  const tls = await readClientTls(sources)
  const coffre = connectCoffre(address, token, { allowInsecure, tls, timeoutMilliseconds: wait })
  return {
    listKeys: async (query) => (await coffre.keys.list(query)).map(({ name }) => name),
    findVersions: async (key) => {
      const found = await coffre.keys.get(key).catch(() => undefined)
      return found?.versions.map(({ version }) => version)
    },
    listTokens: async () =>
      (await coffre.tokens.list()).flatMap(({ id, revokedAt }) => (revokedAt === undefined ? [id] : [])),
    listPolicies: async () => (await coffre.policies.list()).map(({ name }) => name),
    listLoginRoles: async () => (await coffre.logins.listRoles()).map(({ name }) => name),
    listUsers: async (query) => (await coffre.users.list(query)).map(({ clientId }) => clientId),
    close: () => coffre.close(),
  }
}
