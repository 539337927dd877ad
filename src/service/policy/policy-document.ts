import { CoffreError } from '../../model/errors.ts'
import {
  MAX_CONTEXT_PAIRS,
  MAX_PATTERN_CHARACTERS,
  MAX_POLICY_RULES,
  MAX_RULE_ENTRIES,
  MAX_TAGS,
} from '../../model/limits.ts'
import {
  OPERATIONS_WITH_CONTEXT,
  type PolicyDocument,
  type PolicyRule,
  RULE_OPERATIONS,
  type RuleOperation,
} from '../../model/policy.ts'

type Members = Readonly<Record<string, unknown>>

/** Checks a document from outside, or one that the store kept. Throws INVALID_REQUEST, which names the place. */
export function parsePolicyDocument(value: unknown): PolicyDocument {
  const { rules } = readObject(value, 'document', ['rules'])
  return { rules: readList(rules, 'rules', { from: 0, to: MAX_POLICY_RULES }).map(parseRule) }
}

function parseRule(value: unknown, index: number): PolicyRule {
  const at = `rules.${index}`
  const rule = readObject(value, at, ['keys', 'tags', 'operations', 'context'])
  const context = rule['context'] === undefined ? undefined : parseContext(rule['context'], `${at}.context`)
  const operations = parseOperations(rule['operations'], `${at}.operations`)
  const stray =
    context === undefined ? undefined : operations.find((each) => !OPERATIONS_WITH_CONTEXT.includes(each))
  // A rule that reads as if it bound a context where there is none would allow more than it says.
  if (stray !== undefined)
    refuse(`${at}.operations`, `with a context, only ${OPERATIONS_WITH_CONTEXT.join(', ')}`)
  return {
    keys: parsePatterns(rule['keys'], `${at}.keys`),
    operations,
    ...(rule['tags'] === undefined ? {} : { tags: parseTags(rule['tags'], `${at}.tags`) }),
    ...(context === undefined ? {} : { context }),
  }
}

function parseOperations(value: unknown, at: string): readonly RuleOperation[] {
  return readList(value, at, { from: 1, to: RULE_OPERATIONS.length }).map((each) => {
    const known = RULE_OPERATIONS.find((operation) => operation === each)
    return known ?? refuse(at, `some of ${RULE_OPERATIONS.join(', ')}`)
  })
}

function parseTags(value: unknown, at: string): Readonly<Record<string, string>> {
  const pairs = readPairs(value, at, MAX_TAGS)
  return Object.fromEntries(pairs.map(([name, text]) => [name, readText(text, at)]))
}

function parseContext(value: unknown, at: string): Readonly<Record<string, readonly string[]>> {
  const pairs = readPairs(value, at, MAX_CONTEXT_PAIRS)
  return Object.fromEntries(pairs.map(([name, patterns]) => [name, parsePatterns(patterns, at)]))
}

function parsePatterns(value: unknown, at: string): readonly string[] {
  return readList(value, at, { from: 1, to: MAX_RULE_ENTRIES }).map((each) => readText(each, at))
}

function readPairs(value: unknown, at: string, maximum: number): readonly [string, unknown][] {
  const pairs = Object.entries(readObject(value, at))
  if (pairs.length === 0 || pairs.length > maximum) refuse(at, `1 to ${maximum} names`)
  for (const [name] of pairs) readText(name, at)
  return pairs
}

/** `members`: the only ones that are allowed. */
function readObject(value: unknown, at: string, members?: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(at, 'an object')
  const stray = members === undefined ? undefined : Object.keys(value).find((name) => !members.includes(name))
  if (stray !== undefined) refuse(at, `no members but ${members?.join(', ') ?? ''}`)
  return { ...value }
}

function readList(
  value: unknown,
  at: string,
  size: { readonly from: number; readonly to: number },
): readonly unknown[] {
  const fits = Array.isArray(value) && value.length >= size.from && value.length <= size.to
  return fits ? value : refuse(at, `a list of ${size.from} to ${size.to}`)
}

function readText(value: unknown, at: string): string {
  const fits =
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_PATTERN_CHARACTERS &&
    value.isWellFormed()
  return fits ? value : refuse(at, `1 to ${MAX_PATTERN_CHARACTERS} well-formed characters`)
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}
