import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { formatScore, type MutationReport } from './mutation-score.ts'

/*
 * npm run mutation -- crypto                                  the mutation score of one folder; takes hours
 * npm run mutation -- crypto --sample 300 --seed 1            of 300 of its mutants, drawn at random
 * npm run mutation -- crypto --file src/crypto/context.ts     of one file
 * npm run mutation -- crypto --tests test/unit/crypto         judged by these tests alone
 *
 * Stryker changes one thing at a time and asks whether a test notices. docs/design/mutation.md has the figures.
 */
const ROOT = resolve(import.meta.dirname, '..')
const REPORT = 'report.json'
/** Below it the command fails. */
const LEAST_SCORE = 85

/** The folders that are judged, and the tests that judge them. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  crypto: ['test/unit/crypto/**/*.test.ts', 'test/format/**/*.test.ts', 'test/vectors/**/*.test.ts'],
  keyring: ['test/unit/keyring/**/*.test.ts'],
  audit: ['test/unit/audit/**/*.test.ts', 'test/format/audit-record.test.ts'],
}
/** Seconds each, for every mutant that they reach: asked last, when no other test has noticed. */
const SLOW = [
  'test/format/wrapped-key.test.ts',
  'test/unit/audit/verify-log.test.ts',
  'test/unit/crypto/certificate.test.ts',
  'test/unit/crypto/chunked-stream.test.ts',
  'test/unit/crypto/cache-key.test.ts',
  'test/unit/crypto/value-seal.test.ts',
  'test/format/cache.test.ts',
  'test/unit/crypto/signature.test.ts',
  'test/unit/crypto/password.test.ts',
]
/** Slower still: not asked at all, so that the score is at worst too low. */
const TOO_SLOW = [
  'test/unit/audit/flipped-bits.test.ts',
  'test/vectors/chunked.test.ts',
  'test/vectors/wycheproof-primality.test.ts',
]

function main(args: readonly string[]): number {
  const options = {
    file: { type: 'string', multiple: true },
    tests: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [folder = ''] = positionals
  const own = TESTS[folder]
  const sample = values.sample === undefined ? undefined : Number(values.sample)
  if (own === undefined || (sample !== undefined && !(sample >= 1))) {
    console.error(`npm run mutation -- ${Object.keys(TESTS).join('|')} [--sample N [--seed S]] [--file PATH]`)
    return 2
  }
  const tests = values.tests?.map((place) => (place.endsWith('.ts') ? place : `${place}/**/*.test.ts`)) ?? own
  return run({
    mutate: values.file ?? [`src/${folder}/**/*.ts`],
    testFiles: findTests(tests, values.file ?? []),
    ...(sample === undefined ? {} : { sample: { size: sample, seed: values.seed } }),
  })
}

/** In the order in which they are asked: a file's own test first, since the first that notices is the last. */
function findTests(patterns: readonly string[], mutated: readonly string[]): readonly string[] {
  const own = mutated.map((file) => `${basename(file, '.ts')}.test.ts`)
  const rank = (test: string) => (own.includes(basename(test)) ? -2 : SLOW.indexOf(test))
  const found = globSync(patterns, { cwd: ROOT }).filter((file) => !TOO_SLOW.includes(file))
  return found.toSorted((left, right) => rank(left) - rank(right))
}

interface Plan {
  readonly mutate: readonly string[]
  readonly testFiles: readonly string[]
  readonly sample?: { readonly size: number; readonly seed: string }
}

function run(plan: Plan): number {
  const work = mkdtempSync(join(tmpdir(), 'coffre-mutation-'))
  const config = join(work, 'stryker.config.json')
  writeFileSync(config, JSON.stringify(configOf(plan, work)))
  // The sandbox is not in the checkout, beside which the tests look for the vectors.
  const vectors = resolve(ROOT, '..', 'shared', 'vectors')
  const env = { COFFRE_VECTORS: vectors, NODE_COMPILE_CACHE: join(work, 'cache'), ...process.env }
  try {
    const { status } = spawnSync('stryker', ['run', config], { cwd: ROOT, stdio: 'inherit', env })
    if (status !== 0) return status ?? 1
    const score = formatScore(JSON.parse(readFileSync(join(work, REPORT), 'utf8')) as MutationReport)
    console.log(score.text)
    if (!score.isSound) console.error('no score: too many test processes ended in errors')
    return score.isSound && score.percent >= LEAST_SCORE ? 0 : 1
  } finally {
    rmSync(work, { recursive: true })
  }
}

function configOf({ mutate, testFiles, sample }: Plan, work: string): object {
  return {
    testRunner: 'tap',
    plugins: ['@stryker-mutator/tap-runner', join(ROOT, 'tools/mutation-sample.ts')],
    tap: {
      testFiles,
      nodeArgs: ['--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'],
    },
    mutate,
    ...(sample === undefined ? {} : { checkers: ['sample'], sample }),
    coverageAnalysis: 'perTest',
    dryRunTimeoutMinutes: 60,
    reporters: ['progress-append-only', 'clear-text', 'json'],
    clearTextReporter: { allowColor: false, reportTests: false, reportScoreTable: false },
    jsonReporter: { fileName: join(work, REPORT) },
    concurrency: 1,
    // On a busy machine a shorter one would count as noticed what nothing has noticed. Loops are stopped by counting.
    timeoutMS: 60_000,
    // Stryker rewrites the tsconfig with an interface that TypeScript 7 has no more.
    tsconfigFile: 'tsconfig.none.json',
    tempDirName: join(work, 'sandbox'),
    thresholds: { high: 95, low: LEAST_SCORE, break: null },
    ignorePatterns: ['coffre-data', 'dist', 'docs', 'changelog', 'examples'],
  }
}

process.exitCode = main(process.argv.slice(2))
