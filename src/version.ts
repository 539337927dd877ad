import { readFileSync } from 'node:fs'
import { CoffreError } from './model/errors.ts'

/** The version of the package that this file belongs to, in `src/` and in `dist/` alike. */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string } // our own file
  return version
}

/** `engines` of package.json. An older Node lacks Argon2, SQLite or fixes that we need. */
const SUPPORTED = '^24.19.0 || >=26.6.0'

export function isSupportedRuntime(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return (major === 24 && minor >= 19) || (major === 26 && minor >= 6) || major > 26
}

/** Throws CONFIG_REFUSED on a Node that does not run Coffre, before anything fails in a stranger way. */
export function requireRuntime(version: string = process.versions.node): void {
  if (isSupportedRuntime(version)) return
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { setting: 'Node.js', found: version, expected: SUPPORTED },
  })
}
