import { CoffreError } from '../model/errors.ts'
import { KNOWN_ANSWERS, type KnownAnswer } from './known-answer.ts'

export interface SelfTestResult {
  readonly name: string
  readonly passed: boolean
  readonly milliseconds: number
}

/** Runs every test and never throws. */
export function runSelfTests(tests: readonly KnownAnswer[] = KNOWN_ANSWERS): readonly SelfTestResult[] {
  return tests.map((test) => {
    const start = performance.now()
    const passed = passes(test)
    return { name: test.name, passed, milliseconds: performance.now() - start }
  })
}

/** Throws SELF_TEST_FAILED with the name of the first test that fails. Call it before any key is used. */
export function requireSelfTests(tests: readonly KnownAnswer[] = KNOWN_ANSWERS): void {
  const failed = runSelfTests(tests).find((result) => !result.passed)
  if (failed !== undefined) throw new CoffreError('SELF_TEST_FAILED', { facts: { test: failed.name } })
}

function passes(test: KnownAnswer): boolean {
  try {
    return test.run()
  } catch {
    return false
  }
}
