import { isPublished } from '../../../crypto/published-keys.ts'
import { isSecretValue, SCAN_RULES } from './rules.ts'

export interface ScanHit {
  /** `own-key` for a key of this project; else the rule. */
  readonly rule: string
  readonly line: number
  /** Keyed, so that two places of one secret are seen to be one. */
  readonly fingerprint: string
}

export interface ScanKnowledge {
  readonly fingerprintOf: (value: string) => string
  /** Fingerprints of this project's keys, of today and before. */
  readonly own: ReadonlySet<string>
}

/** A line with this in it is left out, as its author says why in the same place. */
const ALLOWED = /coffre:allow-secret/
/** What can be a key by itself, for the look-up by fingerprint. */
const TOKEN = /[^\s"'`]{32,512}/g
const MAX_HITS = 100

/** Secrets in a text, without any part of them. */
export function scanText(text: string, knowledge: ScanKnowledge): readonly ScanHit[] {
  const lines = text.split('\n')
  const hits = new Map<string, ScanHit>()
  const add = (rule: string, line: number, value: string) => {
    if (hits.size >= MAX_HITS || ALLOWED.test(lines[line - 1] ?? '')) return
    const fingerprint = knowledge.fingerprintOf(value)
    const known = knowledge.own.has(fingerprint) ? 'own-key' : isPublished(value) ? 'published-key' : rule
    const at = `${line}:${fingerprint}`
    if (!hits.has(at)) hits.set(at, { rule: known, line, fingerprint })
  }
  for (const [index, line] of lines.entries())
    findOwn(line, knowledge, (value) => add('own-key', index + 1, value))
  for (const { id, pattern, isAssignment } of SCAN_RULES) {
    for (const match of text.matchAll(pattern)) {
      const value = match.groups?.['value'] ?? ''
      if (isAssignment !== true || isSecretValue(value)) add(id, lineOf(text, match.index), value)
    }
  }
  return [...hits.values()].toSorted((one, other) => one.line - other.line)
}

/** A key with its quotes away, or at the end of NAME=… */
function findOwn(line: string, { own, fingerprintOf }: ScanKnowledge, add: (value: string) => void): void {
  if (own.size === 0) return
  for (const [token] of line.matchAll(TOKEN)) {
    const afterName = /^[A-Za-z_][A-Za-z0-9_]*[=:]/.exec(token)?.[0].length ?? 0
    for (const value of [token, token.slice(afterName)]) {
      if (own.has(fingerprintOf(value))) add(value)
    }
  }
}

function lineOf(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line += 1
  return line
}
