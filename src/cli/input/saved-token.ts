import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CoffreError } from '../../model/errors.ts'
import { MAX_TOKEN_CHARACTERS } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import type { Environment } from '../output/terminal.ts'

const OTHERS = 0o077
const MAX_FILE_BYTES = 4 * 1024

/** What `coffre login` keeps: a token goes only to the server that gave it. */
interface SavedToken {
  readonly addr: string
  readonly token: string
}

/** `~/.config/coffre/token`, or below XDG_CONFIG_HOME. `undefined` where there is no home. */
function savedTokenPath(environment: Environment): string | undefined {
  const home = environment['HOME'] ?? ''
  const given = environment['XDG_CONFIG_HOME'] ?? ''
  const folder = given === '' && home !== '' ? join(home, '.config') : given
  return folder === '' ? undefined : join(folder, 'coffre', 'token')
}

/** The token of the last login to this server. Throws CONFIG_REFUSED for a file that others can read. */
export async function readSavedToken(environment: Environment, address: string): Promise<Secret | undefined> {
  const path = savedTokenPath(environment)
  const found = path === undefined ? undefined : await stat(path).catch(() => undefined)
  if (path === undefined || found === undefined || found.size > MAX_FILE_BYTES) return undefined
  if ((found.mode & OTHERS) !== 0) {
    throw new CoffreError('CONFIG_REFUSED', {
      facts: { file: path, expected: `mode 0600: chmod 600 ${path}` },
    })
  }
  const saved = parse(await readFile(path, 'utf8'))
  return saved?.addr === canonical(address) ? new Secret(saved.token) : undefined
}

/** Replaces the file as a whole; nobody but its owner can read it at any moment. */
export async function saveToken(environment: Environment, address: string, token: Secret): Promise<string> {
  const path = savedTokenPath(environment)
  if (path === undefined)
    throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'HOME', expected: 'a folder' } })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ addr: canonical(address), token: token.reveal() })}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  return path
}

export async function forgetToken(environment: Environment): Promise<void> {
  const path = savedTokenPath(environment)
  if (path !== undefined) await rm(path, { force: true })
}

function parse(text: string): SavedToken | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('addr' in value) || !('token' in value))
      return undefined
    const { addr, token } = value
    if (typeof addr !== 'string' || typeof token !== 'string' || token.length > MAX_TOKEN_CHARACTERS)
      return undefined
    return { addr, token }
  } catch {
    return undefined
  }
}

function canonical(address: string): string {
  return URL.canParse(address) ? new URL(address).href : address
}
