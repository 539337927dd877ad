import { writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/*
 * node --import=kill-at-disk-call.ts PROGRAM
 * Ends the program by SIGKILL before call number TEST_KILL_AT that changes something below TEST_KILL_BELOW. Writes how many
 * calls there were to TEST_KILL_COUNT when it comes to its end.
 */
const { TEST_KILL_AT: last = '0', TEST_KILL_BELOW: below = '', TEST_KILL_COUNT: countFile = '' } = process.env
/** A small body comes in one piece, and is to be killed in the middle too. */
const WRITE_BYTES = 128 * 1024
let calls = 0

function count(): void {
  calls += 1
  if (calls === Number(last)) process.kill(process.pid, 'SIGKILL')
}

type Call = (...args: readonly unknown[]) => unknown
const table = fs as unknown as Record<string, unknown>
const watched = new WeakSet<object>()

for (const name of ['link', 'rename', 'unlink', 'rm', 'mkdir', 'rmdir', 'open']) {
  const real = table[name] as Call
  table[name] = async (...args: readonly unknown[]) => {
    const isBelow = args.slice(0, 2).some((path) => typeof path === 'string' && path.startsWith(below))
    if (isBelow) count()
    const answer = await real(...args)
    if (isBelow && name === 'open' && typeof answer === 'object' && answer !== null) watched.add(answer)
    return answer
  }
}
const probe = await fs.open(import.meta.filename)
const handle = Object.getPrototypeOf(probe) as Record<string, unknown>
await probe.close()
for (const name of ['write', 'writeFile', 'sync', 'datasync']) {
  const real = handle[name] as Call
  handle[name] = function counted(this: object, ...args: readonly unknown[]) {
    if (watched.has(this)) count()
    const [bytes, offset] = args
    const isLong = name === 'write' && bytes instanceof Uint8Array && typeof offset === 'number'
    if (isLong && bytes.length - offset > WRITE_BYTES) return real.call(this, bytes, offset, WRITE_BYTES)
    return real.apply(this, args as [])
  }
}
syncBuiltinESMExports()
process.on('exit', () => {
  if (countFile !== '') writeFileSync(countFile, String(calls))
})
