import { chooseBackupSchedule } from '../input/backup-schedule.ts'
import { readHead } from '../input/read-limited.ts'
import { createReadStream } from 'node:fs'
import { MAX_CIPHERTEXT_CHARACTERS } from '../../model/limits.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, FINDING, OK } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { CONTEXT } from '../line/option-rows.ts'
import { visible } from '../output/printer.ts'
import { requireFolder } from '../place.ts'
import { chooseDatabase } from '../input/store-setting.ts'
import { withCoffre } from '../with-coffre.ts'

const TTL_SECONDS = { from: 1, to: 3_153_600_000 }

export const doctorCommand: CommandRow = {
  path: ['doctor'],
  summary: 'command.doctor',
  arguments: [{ syntax: '[file]', help: 'argument.doctorFile' }],
  options: [
    CONTEXT,
    { flags: '--key <key>', help: 'option.doctorKey' },
    { flags: '--ttl-seconds <number>', help: 'option.doctorTtl' },
    { flags: '--fix', help: 'option.doctorFix' },
  ],
  run: (invocation) =>
    invocation.values[0] === undefined ? examine(invocation) : diagnose(invocation, invocation.values[0]),
}

async function examine(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre doctor')
  const { examineFolder } = await import('../../app-doctor.ts')
  const { environment } = terminal
  const findings = await examineFolder({
    dataDir,
    fix: options.flag('fix'),
    environment,
    ...(await chooseDatabase(invocation)),
    ...((environment['COFFRE_BACKUP_SCHEDULE'] ?? '') === ''
      ? {}
      : { readBackups: async () => (await chooseBackupSchedule(invocation)).backups }),
  })
  const isWell = findings.every(({ state }) => state !== 'problem')
  await printer.show({ healthy: isWell, findings }, () =>
    findings.flatMap(({ id, state, cause, next, fixed }) => [
      `${(fixed === true ? 'fixed' : state).padEnd(8)} ${id}${cause === undefined ? '' : `: ${visible(cause)}`}`,
      ...(next === undefined ? [] : [`         → ${visible(next)}`]),
    ]),
  )
  return isWell ? OK : FINDING
}

async function diagnose(invocation: Invocation, path: string): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const source = path === '-' ? terminal.stdin : createReadStream(path)
  const blob = toText(await readHead(source, { name: '[file]', maximumBytes: MAX_CIPHERTEXT_CHARACTERS }))
  const [context, key] = [options.pairs('context'), options.text('key')]
  const ttlSeconds = options.wholeNumber('ttl-seconds', TTL_SECONDS)
  const found = await withCoffre(invocation, (coffre) =>
    coffre.diagnose({
      blob,
      ...(context === undefined ? {} : { context }),
      ...(key === undefined ? {} : { key }),
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    }),
  )
  await printer.show(found, () => {
    const { facts, ...rest } = found
    return Object.entries({ ...rest, ...facts }).map(([name, value]) => visible(`${name}: ${value}`))
  })
  return found.verdict === 'decrypts' ? OK : FINDING
}

/** Our own bytes as the text that they have; others as one character for each byte. */
function toText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes)
  return buffer.subarray(0, 3).toString('hex') === '7287f5'
    ? buffer.toString('base64url')
    : buffer.toString('latin1')
}
