import { constants } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CoffreError } from '../../../model/errors.ts'
import { isCode, refused } from '../change/folder.ts'
import { git } from '../change/git.ts'

const MARK = '# coffre scan --staged: no commit with a secret in it'

/** A pre-commit hook that runs `command`. Somebody else's hook stays as it is. */
export async function installHook(folder: string, command: string): Promise<string> {
  const { file, isThere } = await planHook(folder)
  if (isThere) return file
  await mkdir(dirname(file), { recursive: true })
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const made = await open(file, flags, 0o755)
    await made.writeFile(`#!/bin/sh\n${MARK}\nexec ${command}\n`)
    await made.close()
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    throw otherHook(file)
  }
  return file
}

/** Where the hook goes, and whether it is there. Refuses what `installHook` would refuse. */
export async function planHook(
  folder: string,
): Promise<{ readonly file: string; readonly isThere: boolean }> {
  const found = await git(folder, ['rev-parse', '--git-path', 'hooks/pre-commit'])
  if (found.code !== 0)
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: '--install-hook', expected: 'a git repository' },
    })
  const file = resolve(folder, found.output.toString().trim())
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw otherHook(file)
  })
  if (text !== undefined && !text.includes(MARK)) throw otherHook(file)
  return { file, isThere: text !== undefined }
}

function otherHook(file: string): CoffreError {
  return refused({ file, expected: 'no other hook; add the line: coffre scan --staged' })
}
