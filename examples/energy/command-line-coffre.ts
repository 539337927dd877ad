import { spawn } from 'node:child_process'
import type {
  BatchItem,
  DataOperationName,
  DataOperations,
  Inspection,
  KeyView,
} from '../../src/model/coffre.ts'
import type { AuditVerification } from '../../src/model/audit.ts'
import type { ContextPairs } from '../../src/model/coffre.ts'
import type { EnergyCoffre, Server } from './connection.ts'

/** Commands that may run at once; each is a process. */
const MAX_COMMANDS = 2

type Items<Name extends DataOperationName> = readonly DataOperations[Name]['request'][]
type Results<Name extends DataOperationName> = readonly BatchItem<DataOperations[Name]['result']>[]

/** The command line as a Coffre: `coffre encrypt KEY --lines` and the rest, one process each, against a server. */
export class CommandLineCoffre implements EnergyCoffre {
  readonly #script: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(script: string, server: Server) {
    this.#script = script
    this.#environment = { ...process.env, COFFRE_ADDR: server.url, COFFRE_TOKEN_FILE: server.tokenFile }
  }

  readonly keys: EnergyCoffre['keys'] = {
    create: ({ name, algorithm }) =>
      this.#key('create', name, ...(algorithm === undefined ? [] : ['--algorithm', algorithm])),
    get: (name) => this.#key('show', name),
    rotate: (name) => this.#key('rotate', name),
    rollback: (name, options) => this.#key('rollback', name, ...toText(options?.version)),
    setFloor: (name, version) => this.#key('floor', name, String(version)),
    destroy: (name, { version }) => this.#key('destroy', name, String(version), '--yes'),
  }

  readonly audit: EnergyCoffre['audit'] = {
    verify: async () => JSON.parse(await this.#run(['audit', 'log', 'verify'])) as AuditVerification,
  }

  async inspect(blob: string | Uint8Array): Promise<Inspection> {
    return JSON.parse(await this.#run(['inspect'], String(blob))) as Inspection
  }

  /** One command has one context, so there is one command for every context among the items. */
  async batch<Name extends DataOperationName>(operation: Name, items: Items<Name>): Promise<Results<Name>> {
    const results: BatchItem<DataOperations[Name]['result']>[] = []
    const commands = groupByContext(items).map(async ({ positions, context, key }) => {
      const lines = positions.map((position) => lineOf(items[position]))
      const options = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`])
      const args = [operation, ...(key === undefined ? [] : [key]), '--lines', ...options]
      const answers = (await this.#run(args, `${lines.join('\n')}\n`)).split('\n')
      for (const [offset, position] of positions.entries()) results[position] = parseItem(answers[offset])
    })
    await Promise.all(commands)
    return results
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #key(verb: string, ...args: readonly string[]): Promise<KeyView> {
    return JSON.parse(await this.#run(['key', verb, ...args])) as KeyView
  }

  async #run(args: readonly string[], input = ''): Promise<string> {
    if (this.#running >= MAX_COMMANDS) await new Promise<void>((go) => this.#waiting.push(go))
    this.#running += 1
    try {
      return await this.#spawn([this.#script, ...args, '--json'], input)
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  async #spawn(args: readonly string[], input: string): Promise<string> {
    const child = spawn(process.execPath, args, { env: this.#environment })
    const [output, errors]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (piece: Buffer) => output.push(piece))
    child.stderr.on('data', (piece: Buffer) => errors.push(piece))
    // A command that refuses its options reads nothing.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    const code = await new Promise<number | null>((done) => child.on('close', done))
    if (code !== 0) throw toError(Buffer.concat(errors).toString())
    return Buffer.concat(output).toString()
  }
}

interface Group {
  readonly context: ContextPairs
  readonly key: string | undefined
  readonly positions: number[]
}

function groupByContext(items: readonly object[]): readonly Group[] {
  const groups = new Map<string, Group>()
  for (const [position, item] of items.entries()) {
    const { context = {}, key } = item as { readonly context?: ContextPairs; readonly key?: string }
    const name = JSON.stringify([key, context])
    const group = groups.get(name) ?? { context, key, positions: [] }
    groups.set(name, group)
    group.positions.push(position)
  }
  return [...groups.values()]
}

function lineOf(item: object | undefined): string {
  const { plaintext, ciphertext } = item as { readonly plaintext?: string; readonly ciphertext?: string }
  return plaintext ?? ciphertext ?? ''
}

/** One line of `--lines --json`; bytes are base64 there. */
function parseItem<Result>(line: string | undefined): BatchItem<Result> {
  const item = JSON.parse(line ?? '') as { ok: boolean; value: { plaintext?: unknown } }
  if (item.ok && typeof item.value.plaintext === 'string') {
    item.value.plaintext = Buffer.from(item.value.plaintext, 'base64')
  }
  return item as BatchItem<Result>
}

function toText(version: number | undefined): readonly string[] {
  return version === undefined ? [] : [String(version)]
}

/** The error that a command printed under --json, with its code. */
function toError(text: string): Error {
  const last = text.trim().split('\n').at(-1) ?? ''
  const { error } = JSON.parse(last) as {
    readonly error: { readonly code: string; readonly message: string }
  }
  return Object.assign(new Error(error.message), { code: error.code })
}
