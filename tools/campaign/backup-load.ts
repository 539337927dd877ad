import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BANKS, backUpUnderLoad } from '../../test/recovery/backup-load.ts'
import { inKeptFolder, readNumber } from '../campaign-options.ts'

/** Backups of PostgreSQL, SQLite and a Coffre under write load; each is restored and has to be one moment of it. */
export const usage = ['[--count N] [--source postgres|sqlite|coffre]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { count: text, source: text } })
  const count = readNumber('count', values.count, { absent: 100 })
  const kinds = (['postgres', 'sqlite', 'coffre'] as const).filter((kind) => kind === (values.source ?? kind))
  if (kinds.length === 0) throw new RangeError(`--source is ${Object.keys(BANKS).join(', ')}`)
  console.log(`backup-load: ${count} backups of each of ${kinds.join(', ')}`)
  const ends: (() => Promise<void> | void)[] = []
  const scope = { after: (end: () => Promise<void> | void) => void ends.push(end) }
  try {
    return await inKeptFolder(async (folder) => {
      for (const kind of kinds) {
        mkdirSync(join(folder, kind))
        const startedAt = performance.now()
        const result = await backUpUnderLoad(scope, kind, { folder: join(folder, kind), count })
        const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
        console.log(`  ${kind}: ${JSON.stringify(result)}, ${seconds} s`)
      }
    })
  } finally {
    for (const end of ends) await end()
  }
}
