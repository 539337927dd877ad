import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { openCoffre } from '../../src/app.ts'
import { openCache } from '../../src/app-cache.ts'
import type { CacheKeyChange, CacheKeys, StoredCacheKey } from '../../src/model/cache.ts'
import { ValkeyCacheStore } from '../../src/store/valkey/valkey-cache-store.ts'

/*
 * Works on the cache of one user, and kills itself after so many changes of the store or of the user's row.
 *
 * node cache-child.ts <url> <data folder> <rekey | v1 | v2 | erase> <kill after, or 0> <old secret> <new secret>
 */
const [url = '', dataDir = '', job = '', killAfter = '0', oldSecret = '', newSecret = ''] =
  process.argv.slice(2)
const CHANGES = [
  'set',
  'setIfAbsent',
  'setOwned',
  'replace',
  'removeIf',
  'delete',
  'addToSet',
  'removeFromSet',
] as const
let changes = 0

function count(): void {
  changes += 1
  // The signal arrives before this returns.
  if (changes === Number(killAfter)) process.kill(process.pid, 'SIGKILL')
}

for (const name of CHANGES) {
  const { prototype } = ValkeyCacheStore
  const change: unknown = Reflect.get(prototype, name)
  if (typeof change !== 'function') throw new Error(`the store has no ${name}`)
  Object.assign(prototype, {
    [name](this: ValkeyCacheStore, ...given: unknown[]) {
      return Promise.resolve<unknown>(Reflect.apply(change, this, given)).finally(count)
    },
  })
}

/** One row in one file, changed as a whole. */
class FileKeys implements CacheKeys {
  readonly #path = `${dataDir}/cache-key.json`

  async read(): Promise<StoredCacheKey> {
    return existsSync(this.#path) ? JSON.parse(readFileSync(this.#path, 'utf8')) : {}
  }

  async write(_user: string, { before, after }: CacheKeyChange): Promise<boolean> {
    if (!isDeepStrictEqual(await this.read(), before)) return false
    writeFileSync(`${this.#path}.new`, JSON.stringify(after))
    renameSync(`${this.#path}.new`, this.#path)
    count()
    return true
  }

  async record(): Promise<void> {
    count()
  }
}

const coffre = await openCoffre({ dataDir })
const cache = await openCache({ url, coffre, keys: new FileKeys() })
const user = cache.for('u-1', { secret: oldSecret })
if (job === 'rekey') console.log(JSON.stringify(await user.rekey(oldSecret, newSecret)))
if (job === 'v1' || job === 'v2') console.log(JSON.stringify(await user.migrate(job, oldSecret)))
if (job === 'erase') console.log(JSON.stringify(await user.erase()))
console.log(JSON.stringify({ changes, status: await user.status() }))
await cache.close()
await coffre.close()
