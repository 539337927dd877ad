import { writeSync } from 'node:fs'
import { moveStore } from '../../src/app.ts'
import { hasCode } from '../../src/model/errors.ts'

/** Moves a store, writes one byte for each step of its progress, and dies (SIGKILL) at the given one. */
const [dataDir = '', databaseUrl = '', dieAt = '0'] = process.argv.slice(2)
let steps = 0
await moveStore({
  dataDir,
  databaseUrl,
  tell: () => {
    steps += 1
    writeSync(1, '.')
    if (steps === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
  },
}).catch((error: unknown) => {
  // The kill before fell after the last step.
  if (!hasCode(error, 'STORE_MOVED')) throw error
})
