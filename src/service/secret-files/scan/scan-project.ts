import { randomBytes } from '../../../crypto/random.ts'
import { keyedFingerprint } from '../../../crypto/value-seal.ts'
import { CoffreError } from '../../../model/errors.ts'
import { listBackups } from '../backup.ts'
import { readPlace } from '../change/file-place.ts'
import { git } from '../change/git.ts'
import type { Workspace } from '../change/workspace.ts'
import { findKeyPlaces } from '../check/find-files.ts'
import { readKeyFiles, valueIn } from '../key-files.ts'
import { readName } from '../generate.ts'
import type { Project } from '../project.ts'
import { knownFingerprintKey, readState } from '../state.ts'
import { lookAtProject } from '../with-project.ts'
import { listTree, readHistory, readStaged, type ScannedText } from './sources.ts'
import { type ScanHit, type ScanKnowledge, scanText } from './scan-text.ts'

export interface ScanRequest {
  /** `tree`: what lies in the folder and is not ignored; `staged`: what the next commit would hold. */
  readonly what: 'tree' | 'staged' | 'history'
  readonly name?: string
  /** A file or folder of the project, for `tree` alone: what lies there. Everything when absent. */
  readonly within?: string
}

export interface ScanFinding extends ScanHit {
  readonly file: string
  /** The object of git, for what is in its history. */
  readonly object?: string
}

export interface Scanned {
  readonly texts: number
  readonly findings: readonly ScanFinding[]
}

/** Secrets in the project's files, in the next commit, or in everything that git has. Shows no part of them. */
export function scanProject(folder: string, request: ScanRequest): Promise<Scanned> {
  return lookAtProject(folder, async ({ workspace, project }) => {
    const knowledge = await learnKeys(workspace, project, readName(request.name))
    const findings: ScanFinding[] = []
    let texts = 0
    for await (const { file, object, text } of await sourceOf(workspace, project, request)) {
      texts += 1
      const at = object === undefined ? { file } : { file, object }
      findings.push(...scanText(text, knowledge).map((hit) => ({ ...at, ...hit })))
    }
    return { texts, findings }
  })
}

async function sourceOf(
  workspace: Workspace,
  project: Project,
  { what, within }: ScanRequest,
): Promise<AsyncIterable<ScannedText>> {
  const isGit = (await git(workspace.root.path, ['rev-parse', '--git-dir'])).code === 0
  if (what !== 'tree' && !isGit) {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: what, expected: 'a git repository' } })
  }
  if (what === 'history') return readHistory(workspace.root.path)
  if (what === 'staged') return readStaged(workspace.root.path)
  const places = await findKeyPlaces(workspace, project)
  return readTree(
    workspace,
    await listTree(workspace.root.path, isGit, within),
    new Set(places.map(({ target }) => target.path)),
  )
}

/** The files that are there to hold the key are what `secret-key check` looks at. */
async function* readTree(
  workspace: Workspace,
  paths: readonly string[],
  own: ReadonlySet<string>,
): AsyncGenerator<ScannedText> {
  for (const path of paths) {
    const place = own.has(path) ? undefined : await workspace.find(path).catch(() => undefined)
    // A link, a device or a large file holds no text of this project.
    const found = place === undefined ? undefined : await readPlace(place).catch(() => undefined)
    if (found !== undefined && !found.bytes.includes(0))
      yield { file: path, text: found.bytes.toString('utf8') }
  }
}

/** Fingerprints of this project's keys: those in its files, the recorded ones, and those that were backed up. */
async function learnKeys(workspace: Workspace, project: Project, name: string): Promise<ScanKnowledge> {
  const place = await workspace.find('.coffre/x')
  const key = place === undefined ? undefined : await knownFingerprintKey(place.folder)
  const fingerprintKey = key ?? randomBytes(32)
  const fingerprintOf = (value: string) => keyedFingerprint(fingerprintKey, value)
  const places = await findKeyPlaces(workspace, project)
  const targets = places.map(({ target }) => target)
  const files = await Promise.all(targets.map((target) => readKeyFiles(workspace, [target]).catch(() => [])))
  const current = files.flat().flatMap((file) => valueIn(file, name) ?? [])
  const recorded = place === undefined ? [] : Object.values((await readState(place.folder)).keys)
  const backups = await listBackups(workspace)
  const fingerprints = [...recorded, ...backups].map(({ fingerprint }) => fingerprint)
  return { fingerprintOf, own: new Set([...fingerprints, ...current.map(fingerprintOf)]) }
}
