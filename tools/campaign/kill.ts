import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PostgresServer } from '../../test/postgres-server.ts'
import { killUnderLoad } from '../../test/recovery/kill-load.ts'
import { inKeptFolder, readNumber, readSeed } from '../campaign-options.ts'

/** kill -9 of a Coffre under load: half of them at random moments, half exactly after call number n. */
export const usage = ['[--store sqlite|postgres] [--count N] [--seed N]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { store: text, count: text, seed: text } })
  const kills = readNumber('count', values.count, { absent: 100 })
  const seed = readSeed(values.seed)
  const store = values.store ?? 'sqlite'
  if (store !== 'sqlite' && store !== 'postgres') throw new RangeError('--store is sqlite or postgres')
  console.log(`kill: ${kills} times on ${store}, seed ${seed}`)
  const startedAt = performance.now()
  const server = store === 'postgres' ? new PostgresServer() : undefined
  await server?.start()
  try {
    return await inKeptFolder(async (folder) => {
      const makePlace = async (number: number) =>
        server === undefined ? join(folder, `coffre-${number}`) : server.makeDatabase()
      await killUnderLoad({ folder, kills, seed, makePlace, tell: (line) => console.log(`  ${line}`) })
      console.log(`  ${((performance.now() - startedAt) / kills).toFixed(0)} ms for each kill`)
    })
  } finally {
    await server?.remove()
  }
}
