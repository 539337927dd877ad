import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PostgresServer } from '../../test/postgres-server.ts'
import { killUnderLoad } from '../../test/recovery/kill-load.ts'
import { killMoves } from '../../test/recovery/kill-move.ts'
import type { Place } from '../../test/recovery/kill-place.ts'
import { inKeptFolder, readNumber, readSeed } from '../campaign-options.ts'

/**
 * kill -9 of a Coffre under load, rekeys and rotations of the root among it: half at random moments, half exactly after
 * call number n. `--move`: kill -9 of `store migrate-to`, called again until it is done.
 */
export const usage = ['[--store sqlite|postgres] [--count N] [--seed N]', '--move [--count N] [--seed N]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const options = { store: text, count: text, seed: text, move: { type: 'boolean' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const kills = readNumber('count', values.count, { absent: 100 })
  const seed = readSeed(values.seed)
  const move = values.move === true
  const store = values.store ?? 'sqlite'
  if (store !== 'sqlite' && store !== 'postgres') throw new RangeError('--store is sqlite or postgres')
  console.log(`kill: ${kills} times ${move ? 'in a move' : `on ${store}`}, seed ${seed}`)
  const startedAt = performance.now()
  const server = move || store === 'postgres' ? new PostgresServer() : undefined
  await server?.start()
  const tell = (line: string) => console.log(`  ${line}`)
  try {
    return await inKeptFolder(async (folder) => {
      if (move && server !== undefined) {
        await killMoves({ folder, kills, seed, tell, makeDatabase: () => server.makeDatabase() })
      } else {
        const makePlace = async (number: number): Promise<Place> => {
          const database = await server?.makeDatabase()
          const dataDir = join(folder, `coffre-${number}`)
          return database === undefined ? { dataDir } : { dataDir, databaseUrl: database }
        }
        await killUnderLoad({ folder, kills, seed, makePlace, tell })
      }
      console.log(`  ${((performance.now() - startedAt) / kills).toFixed(0)} ms for each kill`)
    })
  } finally {
    await server?.remove()
  }
}
