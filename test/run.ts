import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LONG_FILES } from './long-files.ts'
import { type FileResult, formatFile, formatSummary } from './reporter.ts'
import { runFile } from './run-file.ts'

/*
 * npm test                     every test/**\/*.test.ts but the long ones
 * npm test -- --long           the long ones (test/long-files.ts); CI runs both
 * npm test -- fernet unit/     only the files whose path contains one of the words
 *
 * CI=true or COFFRE_REQUIRE_ALL=1 counts a test skipped for missing software as failed.
 */
const CONCURRENT_FILES = 2

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { root: { type: 'string' }, long: { type: 'boolean', default: false } },
  })
  const files = findFiles(values.root ?? 'test', { words: positionals, long: values.long })
  const everythingRequired = process.env['CI'] === 'true' || process.env['COFFRE_REQUIRE_ALL'] === '1'
  const results = await runAll(files, everythingRequired)
  if (results.length === 0) results.push(nothingFound(positionals))
  console.log(formatSummary(results))
  // An orphan of a killed file may still hold a pipe open, so the end is explicit.
  process.exit(results.some((result) => result.failures.length > 0) ? 1 : 0)
}

function findFiles(
  root: string,
  choice: { readonly words: readonly string[]; readonly long: boolean },
): string[] {
  const { words, long } = choice
  const files = globSync('**/*.test.ts', { cwd: root }).toSorted()
  const chosen = words.length === 0 ? files.filter((file) => LONG_FILES.includes(file) === long) : files
  const paths = chosen.map((file) => resolve(root, file))
  return words.length === 0 ? paths : paths.filter((file) => words.some((word) => file.includes(word)))
}

function nothingFound(words: readonly string[]): FileResult {
  const failure = { title: `no test file matches ${words.join(' ')}`, location: 'test', detail: '' }
  return {
    file: resolve('test'),
    seconds: 0,
    passed: 0,
    skips: [],
    failures: [failure],
    notes: [],
    output: '',
  }
}

async function runAll(files: readonly string[], everythingRequired: boolean): Promise<FileResult[]> {
  const results: FileResult[] = []
  const waiting = files.values()
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      const result = await runFile(file, { everythingRequired })
      results.push(result)
      console.log(formatFile(result))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT_FILES }, work))
  return results
}

await main()
