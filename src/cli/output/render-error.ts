import { CoffreError, ERRORS } from '../../model/errors.ts'
import { en } from '../../model/message/en.ts'
import { type ErrorText, fillPlaceholders } from '../../model/message/catalogue.ts'
import { type Printer, visible } from './printer.ts'
import { writeTo } from './terminal.ts'
import { UsageError } from '../usage-error.ts'

export interface ErrorScene {
  /** `coffre key rotate`. */
  readonly commandLine: string
  readonly suggestion?: string | undefined
  /** Commands that mend it, ready to paste. */
  readonly remedy?: readonly string[] | undefined
}

/** An error on standard error: sentence, facts, next step, request id; one JSON object under --json. */
export async function renderError(printer: Printer, error: unknown, scene: ErrorScene): Promise<void> {
  const text = printer.json ? jsonOf(error, scene) : humanOf(printer, error, scene)
  await writeTo(printer.terminal.stderr, `${text}\n`)
}

function jsonOf(error: unknown, scene: ErrorScene): string {
  if (error instanceof UsageError) {
    // JSON is never translated, so the problem is the English sentence.
    const problem = fillPlaceholders(en[error.key], error.values)
    const { sentence: message, next } = ERRORS.INVALID_REQUEST
    return JSON.stringify({
      error: { code: 'INVALID_REQUEST', message, next, facts: { command: scene.commandLine, problem } },
    })
  }
  return JSON.stringify({ error: toCoffreError(error).toJSON() })
}

function humanOf(printer: Printer, error: unknown, scene: ErrorScene): string {
  const label = printer.styleError(['red', 'bold'], printer.say('error.label'))
  if (error instanceof UsageError) {
    const sentence = fillPlaceholders(printer.catalogue.messages[error.key], error.values)
    return [`${label} ${visible(sentence)}`, ...usageAdvice(printer, scene)].join('\n')
  }
  const known = toCoffreError(error)
  const text: ErrorText = printer.catalogue.errors[known.code]
  const { requestId, ...facts } = known.facts
  return [
    `${label} ${text.sentence} [${known.code}]`,
    ...Object.entries(facts).map(([name, value]) => `  ${visible(name)}: ${visible(String(value))}`),
    `  ${printer.say('error.next')} ${text.next}`,
    ...(requestId === undefined ? [] : [`  ${printer.say('error.requestId')} ${visible(String(requestId))}`]),
    ...(scene.remedy === undefined ? [] : [printer.say('error.useServer'), ...scene.remedy]),
  ].join('\n')
}

function usageAdvice(printer: Printer, { commandLine, suggestion }: ErrorScene): readonly string[] {
  const help = `  ${printer.say('error.seeHelp', { command: commandLine })}`
  return suggestion === undefined
    ? [help]
    : [`  ${printer.say('usage.suggestion', { name: visible(suggestion) })}`, help]
}

function toCoffreError(error: unknown): CoffreError {
  if (error instanceof CoffreError) return error
  // Its kind helps whoever reports it; its message could repeat an input.
  const kind = error instanceof Error ? error.name : typeof error
  return new CoffreError('INTERNAL', { facts: { kind }, cause: error })
}
