import type { ErrorCode, ErrorFacts } from '../model/errors.ts'

/**
 * "Not from this state" is an answer, not an exception: the service turns it into an error and a record.
 */
export class Refusal {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, facts: ErrorFacts = {}) {
    this.code = code
    this.facts = facts
  }
}
