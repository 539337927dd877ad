import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { openCoffre } from '../../src/app.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { CoffreError } from '../../src/model/errors.ts'
import type { PostgresServer } from '../postgres-server.ts'

const KEY = 'k'
const NODES = 2
const LOOPS_PER_NODE = 4
/** One operation in so many adds a version; reading a key reads them all. */
const ROTATE_EVERY = 25
const PAGE = 500

export interface PostgresKills {
  readonly server: PostgresServer
  readonly dataDir: string
  readonly kills: number
  /** From 0 to 1: the moments. */
  readonly draw: () => number
  readonly tell?: (text: string) => void
}

export interface PostgresKillResult {
  readonly acknowledged: number
  readonly refused: number
  readonly versions: number
  readonly auditSize: number
}

/** kill -9 of the server with all its processes, under load. Nodes go on by themselves once it is back. */
export async function killPostgres(campaign: PostgresKills): Promise<PostgresKillResult> {
  const { server, dataDir, kills, draw, tell } = campaign
  const databaseUrl = await server.makeDatabase()
  const options = { databaseUrl, dataDir, createIfMissing: true }
  const nodes: Coffre[] = []
  for (let node = 0; node < NODES; node += 1) nodes.push(await openCoffre(options))
  const load = new Load(nodes)
  try {
    await nodes[0]?.keys.create({ name: KEY })
    for (let kill = 1; kill <= kills; kill += 1) {
      load.start()
      await setTimeout(50 + draw() * 350)
      await server.kill()
      await server.start()
      await load.stop()
      const { acknowledged, versions } = await load.check()
      tell?.(`kill ${kill}: ${acknowledged} acknowledged ciphertexts, ${versions} versions, all there`)
    }
    await load.checkAll()
    const last = await load.check()
    assert.ok(last.acknowledged > kills, 'there was no load')
    assert.ok(load.refused > 0, 'no kill was felt')
    return { ...last, refused: load.refused }
  } finally {
    for (const node of nodes) await node.close()
  }
}

interface Kept {
  readonly ciphertext: string
  readonly plaintext: string
}

class Load {
  readonly #nodes: readonly Coffre[]
  readonly #kept: Kept[] = []
  #checked = 0
  #highest = 1
  #count = 0
  #runs: Promise<void>[] = []
  #stopped = false
  refused = 0

  constructor(nodes: readonly Coffre[]) {
    this.#nodes = nodes
  }

  start(): void {
    this.#stopped = false
    this.#runs = this.#nodes.flatMap((node) => Array.from({ length: LOOPS_PER_NODE }, () => this.#run(node)))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#runs)
  }

  /** Nothing acknowledged is lost, one version is active, the log verifies; no step by hand came before. */
  async check() {
    for (const node of this.#nodes) await this.#untilAnswered(node)
    const [node] = this.#nodes
    assert.ok(node)
    await this.#checkFrom(this.#checked)
    this.#checked = this.#kept.length
    const { versions } = await node.keys.get(KEY)
    assert.equal(versions.filter(({ state }) => state === 'active').length, 1)
    assert.deepEqual(
      versions.map(({ version }) => version),
      versions.map((_, index) => index + 1),
    )
    assert.ok(versions.length >= this.#highest, 'an acknowledged version is gone')
    const { valid, size } = await node.audit.verify()
    assert.equal(valid, true)
    return { acknowledged: this.#kept.length, versions: versions.length, auditSize: size }
  }

  async checkAll(): Promise<void> {
    await this.#checkFrom(0)
  }

  async #checkFrom(start: number): Promise<void> {
    const [node] = this.#nodes
    for (let from = start; from < this.#kept.length; from += PAGE) {
      const page = this.#kept.slice(from, from + PAGE)
      const opened = (await node?.batch('decrypt', page)) ?? []
      for (const [index, item] of opened.entries()) {
        assert.ok(item.ok, 'an acknowledged ciphertext does not decrypt')
        assert.equal(Buffer.from(item.value.plaintext).toString(), page[index]?.plaintext)
      }
    }
  }

  async #run(node: Coffre): Promise<void> {
    while (!this.#stopped) await this.#attempt(node).catch((error: unknown) => this.#refuse(error))
  }

  async #attempt(node: Coffre): Promise<void> {
    this.#count += 1
    if (this.#count % ROTATE_EVERY === 0) {
      const { currentVersion = 0 } = await node.keys.rotate(KEY)
      this.#highest = Math.max(this.#highest, currentVersion)
      return
    }
    const plaintext = `document ${this.#count}`
    const { ciphertext } = await node.encrypt({ key: KEY, plaintext })
    this.#kept.push({ ciphertext, plaintext })
  }

  #refuse(error: unknown): void {
    const isExpected = error instanceof CoffreError && /UNAVAILABLE|CONFLICT/.test(error.code)
    if (!isExpected) throw error
    this.refused += 1
  }

  async #untilAnswered(node: Coffre): Promise<void> {
    for (;;) {
      try {
        await this.#attempt(node)
        return
      } catch (error) {
        this.#refuse(error)
      }
    }
  }
}
