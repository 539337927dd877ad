import { openCoffre } from '../../src/app.ts'

/** Rotates one key until it has `target` versions; writes the number of each version that it was given. */
const [databaseUrl = '', dataDir = '', key = '', target = '0'] = process.argv.slice(2)
const coffre = await openCoffre({ databaseUrl, dataDir })
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
for (let version = 0; version < Number(target); ) {
  const { currentVersion } = await coffre.keys.rotate(key)
  version = currentVersion ?? 0
  process.stdout.write(`${version}\n`)
}
await coffre.close()
process.exit()
