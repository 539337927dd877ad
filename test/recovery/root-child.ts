import type { Operator } from '../../src/model/coffre.ts'
import { CallerCoffre, withOwnRequests } from '../../src/service/caller-coffre.ts'
import { localCaller, systemCaller } from '../../src/service/caller.ts'
import type { Core } from '../../src/service/operator/core.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { assembleCore } from '../assemble-core.ts'

/** The process that root-kill.test.ts kills in its n-th transaction, before the commit. */
const TASKS: Readonly<Record<string, (operator: Operator, core: Core) => Promise<void>>> = { rekey, rotate }

async function rekey({ ceremonies }: Operator): Promise<void> {
  const seal = { provider: 'shamir', shares: 3, threshold: 2 } as const
  const { nonce } = await ceremonies.begin({ kind: 'rekey', seal })
  const { shares } = await ceremonies.collect({ nonce })
  for (const share of shares) process.stdout.write(`${share.reveal()}\n`)
  for (const share of shares.slice(1)) await ceremonies.give({ nonce, share })
}

async function rotate({ ceremonies }: Operator, core: Core): Promise<void> {
  await ceremonies.begin({ kind: 'rotate-root' })
  await core.finishSweep()
}

function dyingIn(store: Store, fatal: number): Store {
  let transactions = 0
  const transaction: Store['transaction'] = (work) => {
    transactions += 1
    const isFatal = transactions === fatal
    return store.transaction(async (tx) => {
      const result = await work(tx)
      if (isFatal) process.kill(process.pid, 'SIGKILL')
      return result
    })
  }
  return new Proxy(store, {
    get(real, name) {
      if (name === 'transaction') return transaction
      const member: unknown = Reflect.get(real, name)
      return typeof member === 'function' ? member.bind(real) : member
    },
  })
}

const [task = '', folder = '', fatal = '0'] = process.argv.slice(2)
const store = dyingIn(await openSqliteStore({ folder }), Number(fatal))
const core = assembleCore(store, folder)
await core.unseal(systemCaller('start'))
await TASKS[task]?.(new CallerCoffre(core, withOwnRequests(localCaller())).operator, core)
await core.close()
process.stdout.write('done\n')
