import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/*
 * node --import use-checkout.ts snippet.mts
 *
 * `coffre` and what package.json exports below it come from src/ of this checkout, so that a snippet runs as a
 * reader types it, from any folder, without a build.
 */
const ROOT = resolve(import.meta.dirname, '../..')

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}

/** From what a reader imports to the file here: `coffre/fernet` to `…/src/crypto/fernet.ts`. */
export function readEntryPoints(): ReadonlyMap<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const entries = Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return []
    const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
    return [[name + path.slice(1), join(ROOT, source)] as const]
  })
  return new Map(entries)
}

/** What a reader of `coffre/fastify` has installed. */
const READERS_OWN: ReadonlySet<string> = new Set(['fastify'])
const entryPoints = readEntryPoints()

registerHooks({
  resolve(specifier, context, next) {
    const file = entryPoints.get(specifier)
    if (READERS_OWN.has(specifier)) return next(specifier, { ...context, parentURL: import.meta.url })
    if (file === undefined) return next(specifier, context)
    return { url: pathToFileURL(file).href, shortCircuit: true }
  },
})
