import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/*
 * Replaces the key of a project and is ended by SIGKILL before call number `last` to the disk. Prints how many calls
 * there were when it comes to its end.
 */
const [folder = '', last = '0'] = process.argv.slice(2)
let calls = 0

function count(): void {
  calls += 1
  if (calls === Number(last)) process.kill(process.pid, 'SIGKILL')
}

type Call = (...args: readonly unknown[]) => unknown
const table: Record<string, unknown> = fs as unknown as Record<string, unknown>
for (const name of ['link', 'rename', 'rm', 'mkdir', 'rmdir', 'open']) {
  const real = table[name] as Call
  table[name] = (...args: readonly unknown[]) => {
    count()
    return real(...args)
  }
}
const probe = await fs.open(import.meta.filename)
const handle = Object.getPrototypeOf(probe) as Record<string, unknown>
await probe.close()
for (const name of ['writeFile', 'sync']) {
  const real = handle[name] as Call
  handle[name] = function counted(this: unknown, ...args: readonly unknown[]) {
    count()
    return real.apply(this, args as [])
  }
}
calls = 0
syncBuiltinESMExports()
const { generateSecretKey, secretFilesOf } = await import('../../src/app-secret-files.ts')
await generateSecretKey(secretFilesOf(folder), { replace: true })
console.log(calls)
