import { constants } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CoffreError } from '../../../model/errors.ts'
import { isCode, refused } from '../change/folder.ts'
import { git } from '../change/git.ts'

const MARK = '# coffre scan --staged: no commit with a secret in it'

/** A pre-commit hook that runs `command`. Somebody else's hook stays as it is. */
export async function installHook(folder: string, command: string): Promise<string> {
  const found = await git(folder, ['rev-parse', '--git-path', 'hooks/pre-commit'])
  if (found.code !== 0)
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: '--install-hook', expected: 'a git repository' },
    })
  const path = resolve(folder, found.output.toString().trim())
  const text = await readFile(path, 'utf8').catch(() => '')
  if (text.includes(MARK)) return path
  await mkdir(dirname(path), { recursive: true })
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const file = await open(path, flags, 0o755)
    await file.writeFile(`#!/bin/sh\n${MARK}\nexec ${command}\n`)
    await file.close()
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    throw refused({ file: path, expected: 'no other hook; add the line: coffre scan --staged' })
  }
  return path
}
