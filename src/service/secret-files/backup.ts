import { constants } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { writePrivateFile } from '../../seal/file/private-file.ts'
import { textOf } from './change/file-place.ts'
import type { Workspace } from './change/workspace.ts'
import { encryptText, openText } from './encrypted/encrypted-text.ts'
import type { FileKeyHolder } from './encrypted/file-key.ts'
import { quoteToml } from './file/quote.ts'
import { readToml } from './file/toml-text.ts'
import { ENVIRONMENTS, type EnvironmentName } from './project.ts'

const FOLDER = '.coffre/backup'
/** `20261125T225124Z-production-56fcb536f38c52c2.toml.enc`. */
const NAME = /^(?<at>\d{8}T\d{6}Z)-(?<environment>[a-z]+)-(?<fingerprint>[0-9a-f]{16})\.toml\.enc$/
const MAX_BACKUPS = 10_000
const MAX_BACKUP_BYTES = 16 * 1024

/** What can be told of a backup without opening it. */
export interface BackupView {
  readonly at: string
  readonly environment: EnvironmentName
  readonly fingerprint: string
}

interface NewBackup extends Omit<BackupView, 'at'> {
  readonly name: string
  readonly key: string
  readonly now: number
}

/** The old key, encrypted, on the disk before anything else changes. Answers how it is taken away again. */
export async function writeBackup(
  workspace: Workspace,
  backup: NewBackup,
  holder: FileKeyHolder,
): Promise<() => Promise<void>> {
  const at = new Date(backup.now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const file = `${at}-${backup.environment}-${backup.fingerprint}.toml`
  // TOML holds any text, also an old key that an env file of today could not.
  const text = await encryptText(
    { file, form: 'toml', text: `${backup.name} = ${quoteToml(backup.key)}\n` },
    holder,
  )
  const { folder } = await workspace.place(`${FOLDER}/${file}.enc`)
  await writePrivateFile(folder.at(`${file}.enc`), text, { ifExists: 'replace' })
  return () => rm(folder.at(`${file}.enc`), { force: true })
}

/** The newest first. */
export async function listBackups(workspace: Workspace): Promise<readonly BackupView[]> {
  const place = await workspace.find(`${FOLDER}/x`)
  if (place === undefined) return []
  const names = await readdir(place.folder.at('.'))
  return names.toSorted().toReversed().slice(0, MAX_BACKUPS).flatMap(toView)
}

/** The key of the newest backup with that fingerprint. */
export async function openBackup(
  workspace: Workspace,
  request: { readonly fingerprint: string; readonly name: string },
  holder: FileKeyHolder,
): Promise<{ readonly view: BackupView; readonly key: Secret }> {
  const view = await findBackup(workspace, request.fingerprint)
  const file = `${view.at}-${view.environment}-${view.fingerprint}.toml`
  const text = await readBackup(await workspace.place(`${FOLDER}/${file}.enc`))
  const opened = await openText({ file, form: 'toml', text }, holder)
  const key = readToml(opened.text)[request.name]
  if (typeof key !== 'string')
    throw new CoffreError('SECRET_BACKUP_NOT_FOUND', { facts: { name: request.name } })
  return { view, key: new Secret(key) }
}

/** The newest with that fingerprint. */
export async function findBackup(workspace: Workspace, fingerprint: string): Promise<BackupView> {
  const view = (await listBackups(workspace)).find((each) => each.fingerprint === fingerprint)
  if (view === undefined) throw new CoffreError('SECRET_BACKUP_NOT_FOUND')
  return view
}

async function readBackup(place: Awaited<ReturnType<Workspace['place']>>): Promise<string> {
  const file = await open(place.folder.at(place.name), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size } = await file.stat()
    if (size > MAX_BACKUP_BYTES)
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'backup', mostBytes: MAX_BACKUP_BYTES } })
    return textOf(place, await file.readFile())
  } finally {
    await file.close()
  }
}

function toView(name: string): readonly BackupView[] {
  const { at = '', environment: word = '', fingerprint = '' } = NAME.exec(name)?.groups ?? {}
  const environment = ENVIRONMENTS.find((each) => each === word)
  return environment === undefined ? [] : [{ at, environment, fingerprint }]
}
