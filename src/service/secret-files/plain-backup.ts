import { readdir, rm } from 'node:fs/promises'
import { writePrivateFile } from '../../seal/file/private-file.ts'
import { isCode } from './change/folder.ts'
import type { Workspace } from './change/workspace.ts'
import type { KeyFile } from './key-files.ts'

const FOLDER = '.coffre/plain'
/** `1795651200000-0-secrets.toml.backup`: when it ends, in milliseconds since 1970. */
const NAME = /^(?<until>\d{13})-\d+-.+\.backup$/
const LIFE_MILLISECONDS = 86_400_000

/** The files as they are, in clear, for a day: 0600, in a folder that git ignores. Answers their paths. */
export async function writePlainBackups(
  workspace: Workspace,
  files: readonly KeyFile[],
  now: number,
): Promise<readonly string[]> {
  const paths: string[] = []
  for (const [index, { target, found, text }] of files.entries()) {
    if (found === undefined) continue
    const name = target.path.slice(target.path.lastIndexOf('/') + 1)
    const path = `${FOLDER}/${now + LIFE_MILLISECONDS}-${index}-${name}.backup`
    const place = await workspace.place(path)
    await writePrivateFile(place.folder.at(place.name), text, { ifExists: 'replace' })
    paths.push(path)
  }
  return paths
}

/** Takes those away that nobody needs: what they were of is back. */
export async function removePlainBackups(workspace: Workspace, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const place = await workspace.find(path)
    if (place !== undefined) await rm(place.folder.at(place.name), { force: true })
  }
}

/** Takes away those whose day is over; each run on the project does. */
export async function dropPlainBackups(workspace: Workspace, now: number): Promise<void> {
  const place = await workspace.find(`${FOLDER}/x`)
  if (place === undefined) return
  const names = await readdir(place.folder.at('.')).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return []
    throw error
  })
  for (const name of names) {
    const until = NAME.exec(name)?.groups?.['until']
    if (until !== undefined && Number(until) <= now) await rm(place.folder.at(name), { force: true })
  }
}
