import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openCoffre } from '../../src/app.ts'
import { Draw } from '../../test/fuzz/mutate.ts'
import { CorruptionPlace, corruptAtRandom, corruptEveryByte } from '../../test/recovery/corrupt-backup.ts'
import { corruptByCommand } from '../../test/recovery/corrupt-command.ts'
import { inKeptFolder, readNumber, readSeed } from '../campaign-options.ts'

/**
 * Every byte of every object of a backup of 64 KiB, changed; N changes of many kinds of a larger one; some of them again by
 * the command line on a folder. Each is refused, names the first bad chunk and leaves the target as it was.
 */
export const usage = ['[--count N] [--commands N] [--step BYTES] [--seed N]']

const SMALL_BYTES = 64 * 1024
const LARGE_BYTES = 1024 * 1024

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const options = { count: text, commands: text, step: text, seed: text } as const
  const { values } = parseArgs({ args: [...args], options })
  const count = readNumber('count', values.count, { absent: 10_000 })
  const commands = readNumber('commands', values.commands, { absent: 100, minimum: 0 })
  const step = readNumber('step', values.step, { absent: 1 })
  const seed = readSeed(values.seed)
  console.log(`backup-corrupt: every ${step} bytes, ${count} at random, ${commands} by command, seed ${seed}`)
  return inKeptFolder(async (folder) => {
    const coffre = await openCoffre({ dataDir: join(folder, 'coffre'), createIfMissing: true })
    const draw = new Draw(seed)
    const makePlace = (name: string, bytes: number) => {
      mkdirSync(join(folder, name))
      return CorruptionPlace.make(coffre, join(folder, name), bytes)
    }
    try {
      const small = await makePlace('small', SMALL_BYTES)
      await corruptEveryByte(small, draw, step)
      console.log(`  every byte: ${JSON.stringify(small.result)}`)
      const large = await makePlace('large', LARGE_BYTES)
      await corruptAtRandom(large, draw, count)
      console.log(`  at random: ${JSON.stringify(large.result)}`)
    } finally {
      await coffre.close()
    }
    console.log(`  by command: ${JSON.stringify(await corruptByCommand(draw, commands))}`)
  })
}
