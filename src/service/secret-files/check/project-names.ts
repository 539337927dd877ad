import { basename } from 'node:path'
import { readPlace } from '../change/file-place.ts'
import type { Workspace } from '../change/workspace.ts'

const MAX_NAMES = 32

/** Words of the folder's and the package's name: what a guesser tries first. */
export async function projectNames(workspace: Workspace): Promise<readonly string[]> {
  const named = [
    basename(workspace.root.path),
    await nameIn(workspace, 'package.json', /"name"\s*:\s*"([^"]{1,214})"/),
  ]
  named.push(await nameIn(workspace, 'pyproject.toml', /^name\s*=\s*["']([^"']{1,214})["']/m))
  const whole = named.filter((name) => name !== '').map((name) => name.toLowerCase())
  const parts = whole.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u))
  return [...new Set([...whole, ...parts])].slice(0, MAX_NAMES)
}

async function nameIn(workspace: Workspace, path: string, pattern: RegExp): Promise<string> {
  const place = await workspace.find(path)
  const found = place === undefined ? undefined : await readPlace(place).catch(() => undefined)
  return pattern.exec(found?.bytes.toString('utf8') ?? '')?.[1] ?? ''
}
