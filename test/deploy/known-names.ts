import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { commandRows } from '../../src/cli/commands.ts'
import { globalOptions } from '../../src/cli/line/option-rows.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
export const DEPLOY = join(ROOT, 'deploy')

export function readDeployed(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8')
}

/** Every variable that the program reads: a key of config.ts, or a name in quotes elsewhere. */
function readKnownVariables(): ReadonlySet<string> {
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => !path.includes('message'))
  if (sources.length < 100) throw new Error('unreachable: src/ has more files')
  const known = new Set<string>()
  for (const source of sources) {
    const text = readFileSync(join(ROOT, source), 'utf8')
    for (const [, name = ''] of text.matchAll(/\[?['"](COFFRE_[A-Z_]+)['"]/g)) known.add(name)
    if (source === join('src', 'config.ts')) {
      for (const [, name = ''] of text.matchAll(/^ {2}(COFFRE_[A-Z_]+):/gm)) known.add(name)
    }
    // Secrets: `<variable>_FILE` names a file that has them.
    for (const [, name = ''] of text.matchAll(/\b(?:variable: |DEFAULT_VARIABLE = )'(COFFRE_[A-Z_]+)'/g)) {
      known.add(`${name}_FILE`)
    }
  }
  return known
}

/** The variables that a text names and the program does not know. */
export function findUnknownVariables(text: string): string[] {
  const known = readKnownVariables()
  return [...new Set(text.match(/\bCOFFRE_[A-Z_]+\b/g))].filter((name) => !known.has(name))
}

/** What is wrong with `coffre` and these words after it; undefined when nothing is. */
export function findCommandMistake(words: readonly string[]): string | undefined {
  const row = commandRows.findLast(({ path }) => path.every((word, index) => words[index] === word))
  if (row === undefined) return `no command: coffre ${words.join(' ')}`
  const known = [...globalOptions, ...(row.options ?? [])].flatMap(({ flags }) => flags.split(/[ ,]+/))
  const unknown = words.find((word) => word.startsWith('-') && !known.includes(word))
  return unknown === undefined ? undefined : `coffre ${row.path.join(' ')} has no ${unknown}`
}
