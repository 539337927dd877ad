import { spawnSync } from 'node:child_process'
import { globSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/*
 * npm run mutation -- crypto                                  the mutation score of one folder; takes hours
 * npm run mutation -- crypto --file src/crypto/context.ts     of one file
 * npm run mutation -- crypto --tests test/unit/crypto         judged by these tests alone
 *
 * Stryker changes one thing at a time and asks whether a test notices.
 */
const ROOT = resolve(import.meta.dirname, '..')
/** Below it the command fails. */
const LEAST_SCORE = 85

/** The folders that are judged, and the tests that judge them. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  crypto: ['test/unit/crypto/**/*.test.ts', 'test/format/**/*.test.ts', 'test/vectors/**/*.test.ts'],
  keyring: ['test/unit/keyring/**/*.test.ts'],
  audit: ['test/unit/audit/**/*.test.ts', 'test/format/audit-record.test.ts'],
}

function main(args: readonly string[]): number {
  const options = {
    file: { type: 'string', multiple: true },
    tests: { type: 'string', multiple: true },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [folder = ''] = positionals
  const own = TESTS[folder]
  if (own === undefined) {
    console.error(`npm run mutation -- ${Object.keys(TESTS).join('|')} [--file PATH] [--tests FOLDER]`)
    return 2
  }
  const tests = values.tests?.map((place) => `${place}/**/*.test.ts`) ?? own
  return run({ mutate: values.file ?? [`src/${folder}/**/*.ts`], testFiles: globSync(tests, { cwd: ROOT }) })
}

function run({
  mutate,
  testFiles,
}: {
  readonly mutate: readonly string[]
  readonly testFiles: readonly string[]
}): number {
  const config = join(ROOT, `stryker-${process.pid}.config.json`)
  writeFileSync(config, JSON.stringify(configOf(mutate, testFiles)))
  try {
    const { status } = spawnSync('stryker', ['run', config], { cwd: ROOT, stdio: 'inherit' })
    return status ?? 1
  } finally {
    rmSync(config)
  }
}

function configOf(mutate: readonly string[], testFiles: readonly string[]): object {
  return {
    testRunner: 'tap',
    plugins: ['@stryker-mutator/tap-runner'],
    tap: {
      testFiles,
      nodeArgs: ['--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'],
    },
    mutate,
    coverageAnalysis: 'perTest',
    reporters: ['clear-text'],
    clearTextReporter: { allowColor: false, reportTests: false },
    concurrency: 1,
    // Stryker rewrites the tsconfig with an interface that TypeScript 7 has no more.
    tsconfigFile: 'tsconfig.none.json',
    tempDirName: '.stryker-tmp',
    thresholds: { high: 95, low: LEAST_SCORE, break: LEAST_SCORE },
    ignorePatterns: ['coffre-data', 'dist', 'docs', 'changelog', 'examples'],
  }
}

process.exitCode = main(process.argv.slice(2))
