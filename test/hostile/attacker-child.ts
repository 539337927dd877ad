import { ATTACKS, SEALED_ATTACK, type Target } from './attacks.ts'

/** A process of its own, so that its work is not in the times that are measured. Ends when its input does. */
const [name = '', target = '{}'] = process.argv.slice(2)
const attack = [...ATTACKS, SEALED_ATTACK].find((each) => each.name === name)
if (attack === undefined) throw new Error(`no such attack: ${name}`)

const stop = new AbortController()
process.stdin.on('end', () => stop.abort()).resume()
const aim = JSON.parse(target) as Target
let sent = 0
const keepOn = async () => {
  while (!stop.signal.aborted) {
    await attack.once(aim, stop.signal)
    sent += 1
  }
}
console.log('begun')
await Promise.all(Array.from({ length: attack.width }, keepOn))
console.log(sent)
