import { moveStore } from '../../src/app.ts'

/** Moves a store and dies (SIGKILL) at the given step of its progress. */
const [dataDir = '', databaseUrl = '', dieAt = '0'] = process.argv.slice(2)
let steps = 0
await moveStore({
  dataDir,
  databaseUrl,
  tell: () => {
    steps += 1
    if (steps === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
  },
})
