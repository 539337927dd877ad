import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PostgresServer } from '../../test/postgres-server.ts'
import { raceRotations } from '../../test/recovery/race-rotations.ts'
import { readNumber } from '../campaign-options.ts'

/** Processes rotate one key on PostgreSQL as fast as they can. `--count`: rotations in total. */
export const usage = ['[--processes N] [--count N] [--per-key N]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: { processes: text, count: text, 'per-key': text },
  })
  const processes = readNumber('processes', values.processes, { absent: 8 })
  const count = readNumber('count', values.count, { absent: 10_000 })
  const perKey = readNumber('per-key', values['per-key'], { absent: count })
  const server = new PostgresServer()
  const dataDir = mkdtempSync(join(tmpdir(), 'coffre-race-'))
  const startedAt = performance.now()
  try {
    await server.start()
    const databaseUrl = await server.makeDatabase()
    const tell = (line: string) => console.log(`  ${line}`)
    const result = await raceRotations({ databaseUrl, dataDir, processes, count, perKey, tell })
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    console.log(
      `race: ${processes} processes, ${result.rotations} rotations of ${result.keys} keys, ${seconds} s: no gap, no double, every history a chain`,
    )
    return 0
  } finally {
    await server.remove()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
