import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type OpenedCore, openCore } from '../../src/app.ts'
import { hasCode } from '../../src/model/errors.ts'
import { CallerCoffre } from '../../src/service/caller-coffre.ts'
import { localCaller, newRequestId } from '../../src/service/caller.ts'
import type { Core } from '../../src/service/operator/core.ts'
import { PostgresServer } from '../../test/postgres-server.ts'
import { readNumber } from '../campaign-options.ts'

/** Three nodes on PostgreSQL: how soon a revoked token is refused by the two that did not revoke it. */
export const usage = ['[--count N]']

const NODES = 3

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { count: { type: 'string' } } })
  const count = readNumber('count', values.count, { absent: 1_000 })
  const server = new PostgresServer()
  const dataDir = mkdtempSync(join(tmpdir(), 'coffre-revoke-'))
  const nodes: OpenedCore[] = []
  try {
    await server.start()
    const databaseUrl = await server.makeDatabase()
    for (let node = 0; node < NODES; node += 1)
      nodes.push(await openCore({ dataDir, databaseUrl, createIfMissing: true }))
    const delays: number[] = []
    for (let round = 0; round < count; round += 1) delays.push(await revokeOnce(nodes, round))
    const sorted = delays.toSorted((left, right) => left - right)
    const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)
    console.log(
      `revoke: ${count} tokens on ${NODES} nodes; data operations: refused at once, each time; ` +
        `other requests: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms after the commit`,
    )
    return 0
  } finally {
    for (const { core } of nodes) await core.close()
    await server.remove()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Milliseconds from the answer of the revocation until a node that asks for nothing but that refuses the token. */
async function revokeOnce(nodes: readonly OpenedCore[], round: number): Promise<number> {
  const [revoking, strict, other] = [0, 1, 2].map((offset) => nodes[(round + offset) % NODES]?.core)
  assert.ok(revoking && strict && other)
  const { id, token } = await revoking.tokens.create(localCaller(), { name: 'app', role: 'app' })
  const isRefused = (core: Core) =>
    core.tokens.authenticate(token.reveal(), { requestId: newRequestId() }).then(
      () => false,
      (error: unknown) => hasCode(error, 'UNAUTHENTICATED'),
    )
  const caller = await strict.tokens.authenticate(token.reveal(), { requestId: newRequestId() })
  assert.equal(await isRefused(other), false)
  await revoking.tokens.revoke(localCaller(), id)
  const revokedAt = performance.now()
  // The very first data operation after the commit, of a request that was authenticated before it.
  const refused = new CallerCoffre(strict, caller).random({})
  const isStrict = assert.rejects(refused, (error) => hasCode(error, 'UNAUTHENTICATED'))
  while (!(await isRefused(other))) await new Promise((resolve) => setImmediate(resolve))
  const delay = performance.now() - revokedAt
  await isStrict
  return delay
}
