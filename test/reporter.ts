import { relative } from 'node:path'
import { styleText } from 'node:util'

export interface Failure {
  readonly title: string
  readonly location: string
  readonly detail: string
}

export interface Skip {
  readonly title: string
  readonly reason: string
}

/** What one test file came to. Counts are of leaf tests: a suite counts only where it fails by itself. */
export interface FileResult {
  readonly file: string
  readonly seconds: number
  readonly passed: number
  readonly skips: readonly Skip[]
  readonly failures: readonly Failure[]
  /** Diagnostics, and printed lines such as `vectors: …`. */
  readonly notes: readonly string[]
  /** Everything that the file printed; shown only when it fails. */
  readonly output: string
}

const ROOT = process.cwd()
const MAX_OUTPUT_CHARACTERS = 20_000

export function formatFile(result: FileResult): string {
  const mark = result.failures.length > 0 ? paint('red', 'FAIL') : paint('green', 'ok  ')
  const counts = [`${result.passed} passed`]
  if (result.failures.length > 0) counts.push(`${result.failures.length} failed`)
  if (result.skips.length > 0) counts.push(`${result.skips.length} skipped`)
  const name = relative(ROOT, result.file)
  const lines = [`${mark} ${name}  ${counts.join(', ')}  ${result.seconds.toFixed(1)} s`]
  for (const note of result.notes) lines.push(`     ${note}`)
  for (const failure of result.failures) lines.push(...formatFailure(failure))
  if (result.failures.length > 0 && result.output.trim() !== '') {
    lines.push('  --- printed by the file ---', result.output.slice(-MAX_OUTPUT_CHARACTERS).trimEnd())
  }
  return lines.join('\n')
}

function formatFailure(failure: Failure): string[] {
  const detail = failure.detail.split('\n').map((line) => `    ${line}`)
  return [`  ${paint('red', '✗')} ${failure.title}`, `    at ${failure.location}`, ...detail]
}

/** The closing lines. The last one is read by machines, so it holds no colour. */
export function formatSummary(results: readonly FileResult[]): string {
  const lines = [...skipsByReason(results), ...failureList(results)]
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  const failed = results.reduce((sum, result) => sum + result.failures.length, 0)
  const skipped = results.reduce((sum, result) => sum + result.skips.length, 0)
  lines.push(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return lines.join('\n')
}

function skipsByReason(results: readonly FileResult[]): string[] {
  const titlesByReason = new Map<string, string[]>()
  for (const result of results) {
    for (const skip of result.skips) {
      const titles = titlesByReason.get(skip.reason) ?? []
      titles.push(`${relative(ROOT, result.file)}: ${skip.title}`)
      titlesByReason.set(skip.reason, titles)
    }
  }
  if (titlesByReason.size === 0) return []
  const lines = ['', 'Skipped:']
  for (const [reason, titles] of titlesByReason) {
    lines.push(`  ${reason}`, ...titles.map((title) => `    ${title}`))
  }
  return [...lines, '']
}

function failureList(results: readonly FileResult[]): string[] {
  const failed = results.filter((result) => result.failures.length > 0)
  if (failed.length === 0) return []
  const lines = ['', 'Failed:']
  for (const result of failed) {
    for (const failure of result.failures) lines.push(`  ${relative(ROOT, result.file)}: ${failure.title}`)
  }
  return [...lines, '']
}

function paint(colour: 'red' | 'green', text: string): string {
  return styleText(colour, text, { stream: process.stdout })
}
