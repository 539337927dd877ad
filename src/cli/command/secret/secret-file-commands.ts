import { spawn } from 'node:child_process'
import type { CommandRow } from '../../command-row.ts'
import { childExit, type ExitCode, FINDING, OK } from '../../exit-code.ts'
import { type Invocation, valueAt } from '../../invocation.ts'
import { DRY_RUN, FORCE, OUT } from '../../line/option-rows.ts'
import { visible } from '../../output/printer.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { withSink } from '../../output/sink.ts'
import { UsageError } from '../../usage-error.ts'
import { FILE_KEY, FILE_PASSPHRASE, withFileHolder, withOpener } from './file-key-holder.ts'
import { PROJECT, projectFolder } from './project-folder.ts'

const ENCRYPTED = { syntax: '<file>', help: 'argument.encryptedFile' } as const
const RUN_OPTIONS = [FILE_PASSPHRASE, { flags: '--tty', help: 'option.tty' }, PROJECT] as const

export const secretFileCommands: readonly CommandRow[] = [
  {
    path: ['secret', 'encrypt'],
    summary: 'command.secret.encrypt',
    arguments: [{ syntax: '<file>', help: 'argument.secretFile' }],
    options: [FILE_PASSPHRASE, FILE_KEY, PROJECT, DRY_RUN],
    run: runEncrypt,
  },
  {
    path: ['secret', 'decrypt'],
    summary: 'command.secret.decrypt',
    arguments: [ENCRYPTED],
    options: [FILE_PASSPHRASE, OUT, FORCE, PROJECT],
    run: runDecrypt,
  },
  {
    path: ['secret', 'edit'],
    summary: 'command.secret.edit',
    arguments: [ENCRYPTED],
    options: [FILE_PASSPHRASE, PROJECT, DRY_RUN],
    run: runEdit,
  },
  {
    path: ['secret', 'diff'],
    summary: 'command.secret.diff',
    arguments: [ENCRYPTED],
    options: [FILE_PASSPHRASE, PROJECT],
    run: runDiff,
  },
  {
    path: ['secret', 'run'],
    summary: 'command.secret.run',
    arguments: [ENCRYPTED, { syntax: '<command...>', help: 'argument.command' }],
    options: RUN_OPTIONS,
    run: (invocation) => runProgram(invocation, [valueAt(invocation, 0)], invocation.values.slice(1)),
  },
  {
    path: ['run'],
    summary: 'command.run',
    arguments: [{ syntax: '<command...>', help: 'argument.command' }],
    options: [{ flags: '--file <path>', help: 'option.runFile', repeats: true }, ...RUN_OPTIONS],
    run: (invocation) => {
      const given = invocation.options.list('file')
      return runProgram(invocation, given.length === 0 ? ['.env'] : given, invocation.values)
    },
  },
]

async function runEncrypt(invocation: Invocation): Promise<ExitCode> {
  const { encryptSecretFile, planEncryption, secretFilesOf } = await import('../../../app-secret-files.ts')
  const [folder, path] = [projectFolder(invocation), valueAt(invocation, 0)]
  if (invocation.options.flag('dry-run')) {
    const planned = await planEncryption(folder, path)
    return reportFile(invocation, planned.file, planned.isThere ? 'wouldChange' : 'wouldCreate')
  }
  const file = await withFileHolder(invocation, (holder) =>
    encryptSecretFile(secretFilesOf(folder), path, holder),
  )
  await invocation.printer.done({ file }, 'done.secretFileEncrypted', { file: visible(file) })
  return OK
}

function reportFile(
  invocation: Invocation,
  path: string,
  change: 'wouldChange' | 'wouldCreate',
): Promise<ExitCode> {
  const lines = [invocation.printer.say(`secretFile.${change}`, { path })]
  return reportPlan(invocation, { request: { files: [path] }, lines })
}

async function runDecrypt(invocation: Invocation): Promise<ExitCode> {
  const { decryptSecretFile, readSlotKinds } = await import('../../../app-secret-files.ts')
  const [folder, path] = [projectFolder(invocation), valueAt(invocation, 0)]
  const text = await withOpener(invocation, await readSlotKinds(folder, path), (holder) =>
    decryptSecretFile(folder, path, holder),
  )
  await withSink(invocation, 'out', (sink) => sink.write(text))
  return OK
}

async function runEdit(invocation: Invocation): Promise<ExitCode> {
  const secretFiles = await import('../../../app-secret-files.ts')
  const [folder, path] = [projectFolder(invocation), valueAt(invocation, 0)]
  if (invocation.options.flag('dry-run')) {
    // Whether it opens is what could stop the editor.
    await withOpener(invocation, await secretFiles.readSlotKinds(folder, path), (holder) =>
      secretFiles.planEdit(folder, path, holder),
    )
    return reportFile(invocation, path, 'wouldChange')
  }
  const change = (copy: string) => edit(invocation, copy)
  const isChanged = await withOpener(invocation, await secretFiles.readSlotKinds(folder, path), (holder) =>
    secretFiles.editSecretFile(secretFiles.secretFilesOf(folder), { path, change }, holder),
  )
  await invocation.printer.done(
    { changed: isChanged },
    isChanged ? 'done.secretFileEdited' : 'done.secretFileSame',
  )
  return OK
}

/** $VISUAL or $EDITOR, which may have arguments of its own. */
async function edit({ terminal }: Invocation, copy: string): Promise<void> {
  const editor = terminal.environment['VISUAL'] ?? terminal.environment['EDITOR'] ?? 'vi'
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', copy], { stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', resolve)
  })
  // An editor that failed may have left half a file.
  if (code !== 0) throw UsageError.of('usage.editorFailed')
}

async function runDiff(invocation: Invocation): Promise<ExitCode> {
  const { diffSecretFile, readSlotKinds } = await import('../../../app-secret-files.ts')
  const [folder, path] = [projectFolder(invocation), valueAt(invocation, 0)]
  const found = await withOpener(invocation, await readSlotKinds(folder, path), (holder) =>
    diffSecretFile(folder, path, holder),
  )
  const { added, removed, changed } = found
  const lines = [
    ...added.map((name) => `+ ${name}`),
    ...removed.map((name) => `- ${name}`),
    ...changed.map((name) => `~ ${name}`),
  ]
  await invocation.printer.show(found, () => lines.map(visible))
  return lines.length === 0 ? OK : FINDING
}

async function runProgram(
  invocation: Invocation,
  files: readonly string[],
  [command = '', ...args]: readonly string[],
): Promise<ExitCode> {
  const { readSlotKinds, readVariables, runWithSecrets } = await import('../../../app-secret-files.ts')
  const { options, terminal } = invocation
  const folder = projectFolder(invocation)
  const encrypted = files.filter((path) => path.endsWith('.enc'))
  const kinds = (await Promise.all(encrypted.map((path) => readSlotKinds(folder, path)))).flat()
  const secrets =
    encrypted.length === 0
      ? await readVariables(folder, files, { program: command })
      : await withOpener(invocation, kinds, (holder) => {
          return readVariables(folder, files, { holder, program: command })
        })
  const { stdout, stderr, environment } = terminal
  const isRaw = options.flag('tty')
  return childExit(
    await runWithSecrets({
      command,
      args,
      environment: withoutOwn(environment),
      secrets,
      output: { stdout, stderr },
      isRaw,
    }),
  )
}

/** What opens the files is not for the program. */
function withoutOwn(environment: Invocation['terminal']['environment']): NodeJS.ProcessEnv {
  const own = /^COFFRE_(?:SECRET|BACKUP)?_?PASSPHRASE(?:_FILE)?$|^COFFRE_TOKEN(?:_FILE)?$/
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.test(name)))
}
