import type { Readable, Writable } from 'node:stream'
import type { MessageKey, MessageValues } from '../../model/message/catalogue.ts'
import { Secret } from '../../model/secret.ts'
import type { Invocation } from '../invocation.ts'
import type { Printer } from '../output/printer.ts'
import { canAsk, type Terminal } from '../output/terminal.ts'
import { UsageError } from '../usage-error.ts'

type PromptKey = Extract<MessageKey, `prompt.${string}`>

/** Typed text does not show. Throws `error.interrupted` on Ctrl-C. */
export async function askHidden(printer: Printer, key: PromptKey): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const message = printer.catalogue.messages[key]
  const answer = await password({ message, ...streamsOf(printer.terminal) })
  if (isCancel(answer)) throw UsageError.of('error.interrupted')
  return answer
}

/** `otherwise`: what an empty answer means. */
export async function askText(printer: Printer, key: PromptKey, otherwise?: string): Promise<string> {
  const { isCancel, text } = await import('@clack/prompts')
  const message = printer.catalogue.messages[key]
  const known = otherwise === undefined ? {} : { defaultValue: otherwise, placeholder: otherwise }
  const answer = await text({ message, ...known, ...streamsOf(printer.terminal) })
  if (isCancel(answer)) throw UsageError.of('error.interrupted')
  return answer
}

interface Choice<Value extends string> {
  readonly value: Value
  readonly label: PromptKey
}

export async function askChoice<Value extends string>(
  printer: Printer,
  key: PromptKey,
  choices: readonly Choice<Value>[],
): Promise<Value> {
  const { isCancel, select } = await import('@clack/prompts')
  const { messages } = printer.catalogue
  const options = choices.map(({ value, label }) => ({ value: value as string, label: messages[label] }))
  const answer = await select({ message: messages[key], options, ...streamsOf(printer.terminal) })
  const chosen = choices.find(({ value }) => value === answer)
  if (isCancel(answer) || chosen === undefined) throw UsageError.of('error.interrupted')
  return chosen.value
}

/** Asked twice, because a typing error would lock everybody out. */
export async function askNewPassphrase(printer: Printer): Promise<Secret> {
  const first = await askHidden(printer, 'prompt.passphrase')
  const second = await askHidden(printer, 'prompt.passphraseAgain')
  if (first !== second) throw UsageError.of('prompt.passphraseDiffers')
  return new Secret(first)
}

/** For what cannot be undone: --yes, or a person who says so. Throws where there is neither. */
export async function confirm<Key extends PromptKey>(
  invocation: Invocation,
  key: Key,
  ...values: MessageValues<Key>
): Promise<void> {
  const { command, options, printer, terminal } = invocation
  if (options.flag('yes')) return
  if (!canAsk(terminal)) throw UsageError.of('usage.confirmationNeeded', { name: `coffre ${command}` })
  const { confirm: ask } = await import('@clack/prompts')
  const message = printer.say(key, ...values)
  const words = { active: printer.say('prompt.yes'), inactive: printer.say('prompt.no') }
  const answer = await ask({ message, initialValue: false, ...words, ...streamsOf(terminal) })
  if (answer !== true) throw UsageError.of('error.interrupted')
}

/** Questions go to standard error: standard output is for results. */
function streamsOf({ stdin, stderr }: Terminal): { readonly input: Readable; readonly output: Writable } {
  return { input: stdin, output: stderr }
}
