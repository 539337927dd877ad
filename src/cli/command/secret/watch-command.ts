import type { FileEvent } from '../../../app-secret-files.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { visible } from '../../output/printer.ts'
import { PROJECT, projectFolder } from './project-folder.ts'

/** Up to 30 days. */
const SECONDS = { from: 1, to: 2_592_000 }

export const watchCommand: CommandRow = {
  path: ['secret-key', 'watch'],
  summary: 'command.secret-key.watch',
  options: [{ flags: '--seconds <number>', help: 'option.watchSeconds' }, PROJECT],
  run: runWatch,
}

async function runWatch(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { watchSecretFiles } = await import('../../../app-secret-files.ts')
  const seconds = options.wholeNumber('seconds', SECONDS)
  const stop = new AbortController()
  const timer = seconds === undefined ? undefined : setTimeout(() => stop.abort(), seconds * 1_000)
  const end = () => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  try {
    await watchSecretFiles(projectFolder(invocation), {
      signal: stop.signal,
      onStart: () => printer.note('done.watching'),
      onEvent: (event) => printer.show(event, () => [lineOf(invocation, event)]),
    })
  } finally {
    clearTimeout(timer)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
  }
  return OK
}

function lineOf({ printer }: Invocation, { at, type, file }: FileEvent): string {
  return visible(`${at} ${file}: ${printer.catalogue.messages[`fileEvent.${type}`]}`)
}
