import { openCoffre } from '../../src/app.ts'
import { CoffreError } from '../../src/model/errors.ts'

/** Rotates one key until it has `target` versions; writes the number of each version that it was given. */
const [databaseUrl = '', dataDir = '', key = '', target = '0'] = process.argv.slice(2)
const coffre = await untilAnswered(() => openCoffre({ databaseUrl, dataDir }))
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
for (let version = 0; version < Number(target); ) {
  const { currentVersion } = await untilAnswered(() => coffre.keys.rotate(key))
  version = currentVersion ?? 0
  process.stdout.write(`${version}\n`)
}
await coffre.close()
process.exit()

/** On a machine with more to do than it can, the queue for the lock may be longer than its bound. */
async function untilAnswered<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isRefused = error instanceof CoffreError && error.code === 'STORE_UNAVAILABLE'
      // Whether it happened must be known: otherwise a gap would be no mistake.
      if (!isRefused || error.facts['outcome'] === 'unknown') throw error
    }
  }
}
