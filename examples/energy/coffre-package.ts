import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** What the example uses of the package: its public entry, and its command. */
export interface CoffrePackage {
  readonly name: string
  readonly library: () => Promise<typeof import('../../src/index.ts')>
  /** The script that Node runs as `coffre`. */
  readonly command: string
}

const CHECKOUT = resolve(import.meta.dirname, '../..')

/**
 * `source`: this checkout as it stands. A folder: an installed package, for example `node_modules/coffre`.
 * Absent: what `import 'coffre'` finds, which is this checkout once it is built, else its source.
 */
export function findPackage(choice?: string): CoffrePackage {
  if (choice === 'source') return source()
  if (choice !== undefined) return built(resolve(choice))
  const entry = fileURLToPath(import.meta.resolve('coffre'))
  return existsSync(entry) ? built(resolve(entry, '../..')) : source()
}

function built(folder: string): CoffrePackage {
  const entry = join(folder, 'dist/index.js')
  if (!existsSync(entry)) throw new Error(`there is no built package in ${folder}`)
  return {
    name: folder,
    library: () => import(pathToFileURL(entry).href),
    command: join(folder, 'bin/coffre.js'),
  }
}

function source(): CoffrePackage {
  return {
    name: `${CHECKOUT} (source)`,
    library: () => import('../../src/index.ts'),
    command: join(CHECKOUT, 'src/cli/main.ts'),
  }
}
