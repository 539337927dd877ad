import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drawFrom } from '../../examples/energy/generator.ts'
import { PostgresServer } from '../../test/postgres-server.ts'
import { killPostgres } from '../../test/recovery/kill-postgres.ts'
import { readNumber, readSeed } from '../campaign-options.ts'

/** kill -9 of PostgreSQL under the load of two nodes; stops at the first thing that is lost. */
export const usage = ['[--count N] [--seed N]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { count: text, seed: text } })
  const kills = readNumber('count', values.count, { absent: 50 })
  const seed = readSeed(values.seed)
  console.log(`kill-postgres: ${kills} times, seed ${seed}`)
  const server = new PostgresServer()
  const dataDir = mkdtempSync(join(tmpdir(), 'coffre-kill-postgres-'))
  try {
    await server.start()
    const tell = (line: string) => console.log(`  ${line}`)
    const result = await killPostgres({ server, dataDir, kills, draw: drawFrom(seed), tell })
    console.log(`killed ${kills} times: ${JSON.stringify(result)}`)
    return 0
  } finally {
    await server.remove()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
