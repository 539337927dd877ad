import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { CoffreError } from '../../src/model/errors.ts'
import { fileSeal } from '../../src/seal/file/file-seal.ts'
import { localCaller } from '../../src/service/caller.ts'
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.ts'
import type { StoreTransaction } from '../../src/store/store.ts'
import { coreOver } from '../core-over.ts'

/** Rotates the key `k`, and stops itself (SIGSTOP) in the middle: in front of the named call of the transaction. */
const [url = '', dataDir = '', place = ''] = process.argv.slice(2)
const store = await openPostgresStore({ url, random: () => 0.5 })
const seal = fileSeal(join(dataDir, 'seal.key'))

const stopping = new Proxy(store, {
  get(real, name) {
    if (name === 'transaction') {
      return (work: (tx: StoreTransaction) => Promise<unknown>) => real.transaction((tx) => work(stopIn(tx)))
    }
    const member: unknown = Reflect.get(real, name)
    return typeof member === 'function' ? member.bind(real) : member
  },
})

let isArmed = false

function stopIn(tx: StoreTransaction): StoreTransaction {
  return new Proxy(tx, {
    get(real, name) {
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        if (isArmed && name === place) stopNow()
        return member.apply(real, given)
      }
    },
  })
}

function stopNow(): void {
  isArmed = false
  writeSync(1, 'stopping\n')
  process.kill(process.pid, 'SIGSTOP')
}

const { core, coffre } = coreOver(stopping, { seal })
await core.unseal(localCaller())
await coffre.encrypt({ key: 'k', plaintext: 'in memory' })
isArmed = true
const outcome = await coffre.keys.rotate('k').then(
  () => 'rotated',
  (error: unknown) => (error instanceof CoffreError ? error.code : String(error)),
)
// What it does next is right again, without anybody's help.
const { version } = await coffre.encrypt({ key: 'k', plaintext: 'x' })
writeSync(1, `${outcome} ${version}\n`)
await core.close()
process.exit()
