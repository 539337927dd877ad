import { openCoffre } from '../../src/app.ts'

// Uses the key of a user once, and says when it is in the call and when the call is over. It never makes a text of it.
const [dataDir = '', user = ''] = process.argv.slice(2)
const go = () => new Promise((resolve) => process.stdin.once('data', resolve))
const coffre = await openCoffre({ dataDir })
const length = await coffre.apiKeys.use(user, async (key) => {
  console.log('during')
  await go()
  return key.reveal().length
})
console.log(`after ${length}`)
await go()
await coffre.close()
process.exit(0)
