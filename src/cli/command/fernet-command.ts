import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { FORCE, OUT } from '../line/option-rows.ts'
import { formatJson } from '../output/printer.ts'
import { withSink } from '../output/sink.ts'

export const fernetCommand: CommandRow = {
  path: ['fernet', 'keygen'],
  summary: 'command.fernet.keygen',
  options: [OUT, FORCE],
  run: runKeygen,
}

/** The key is the answer: it is made here and kept nowhere. */
async function runKeygen(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const { makeFernetKey } = await import('../../app.ts')
  await withSink(invocation, 'out', async (sink) => {
    const key = makeFernetKey()
    await sink.write(printer.json ? `${formatJson({ key })}\n` : `${key}\n`)
  })
  return OK
}
