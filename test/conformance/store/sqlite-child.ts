import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AuditLog } from '../../../src/audit/audit-log.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { toWrapped } from '../../../src/model/wrapped.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import { materials, NOW, SAMPLE_EVENT, sampleKey } from './sample.ts'

/** What a process of its own does to a store; sqlite-file.test.ts reads the one line that it prints. */
const TASKS: Readonly<Record<string, (folder: string, hex: string) => Promise<string>>> = {
  async open(folder) {
    try {
      await openSqliteStore({ folder })
      return 'opened'
    } catch (error) {
      return error instanceof CoffreError ? error.code : String(error)
    }
  },

  async read(folder) {
    const database = new DatabaseSync(join(folder, 'coffre.db'), { readOnly: true })
    return String(database.prepare('select name from "key"').get()?.['name'])
  },

  /** One of several writers on a folder that the parent holds. */
  async append(folder, count) {
    const store = await openSqliteStore({ folder, share: 'member' })
    const log = new AuditLog({ store, clock: () => NOW })
    for (let record = 0; record < Number(count); record += 1) {
      await store.transaction((tx) => log.append(tx, [SAMPLE_EVENT]))
    }
    await store.close()
    return 'appended'
  },

  /** Dies between the commit that erases and the clearing of the log: a reader of its own keeps the log. */
  async 'destroy-and-die'(folder, hex) {
    const store = await openSqliteStore({ folder })
    const key = sampleKey()
    const wrapped = toWrapped(Uint8Array.from(Buffer.from(hex, 'hex')))
    await store.transaction((tx) => tx.insertKey(key, materials([1, wrapped])))
    const reader = new DatabaseSync(join(folder, 'coffre.db'), { readOnly: true })
    reader.exec('begin')
    reader.prepare('select count(*) from "key"').get()
    const versions = key.versions.map((each) => ({
      ...each,
      state: { name: 'destroyed', since: NOW } as const,
    }))
    await store.transaction((tx) => tx.updateKey(key, { ...key, versions, epoch: 1 }))
    process.kill(process.pid, 'SIGKILL')
    return await new Promise<string>(() => undefined)
  },
}

const [task = '', folder = '', hex = ''] = process.argv.slice(2)
console.log(await TASKS[task]?.(folder, hex))
