import { readFileSync } from 'node:fs'

/** The version of the package that this file belongs to, in `src/` and in `dist/` alike. */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string } // our own file
  return version
}
