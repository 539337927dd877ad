import { applyEdits } from '../change/change.ts'
import { askGit, ignoreEdit } from '../change/git.ts'
import { readName } from '../generate.ts'
import { ENVIRONMENTS, type EnvironmentName, type Project } from '../project.ts'
import { isLive } from '../previous-key.ts'
import { fingerprinter, logEvent, type ProjectState, readState, writeState } from '../state.ts'
import { type ProjectScene, type SecretFilesParts, withProject } from '../with-project.ts'
import { type ExaminedFile, examineFile } from './examine-file.ts'
import { findKeyPlaces } from './find-files.ts'
import type { KeyFinding } from './finding.ts'
import { findMajorTag } from './major-version.ts'
import { projectNames } from './project-names.ts'
import { judgeStrength, type Strength } from './strength.ts'
import { loadWords } from './words.ts'

const DAY_MILLISECONDS = 86_400_000

export interface CheckRequest {
  readonly name?: string
  /** Mends modes and .gitignore. */
  readonly fix?: boolean
  /** Judges ages as of this moment, in milliseconds since 1970, and records nothing. */
  readonly at?: number
}

export interface CheckedFile {
  readonly path: string
  readonly environment: EnvironmentName
  readonly fingerprint: string
  readonly characters: number
  readonly bits: number
}

export interface Checked {
  readonly name: string
  readonly files: readonly CheckedFile[]
  readonly findings: readonly KeyFinding[]
}

/** Looks at every file that holds a key, and at every key. */
export function checkSecretKeys(parts: SecretFilesParts, request: CheckRequest): Promise<Checked> {
  return withProject(parts, (scene) => checkScene(scene, request))
}

export async function checkScene(scene: ProjectScene, request: CheckRequest): Promise<Checked> {
  const name = readName(request.name)
  const fix = request.fix === true
  const examined: ExaminedFile[] = []
  for (const place of await findKeyPlaces(scene.workspace, scene.project)) {
    examined.push(await examineFile(scene.workspace, place, { name, fix }))
  }
  const strengths = await judgeAll(scene, examined)
  const state = await readState(scene.state)
  const at = request.at ?? scene.now()
  const findings = [
    ...examined.flatMap((file) => file.findings),
    ...findMissing(scene.project, examined),
    ...findWeak(examined, strengths),
    ...findShared(examined),
    ...(await findInGit(scene, examined, fix)),
    ...(await findOverdue(scene, { examined, state, now: at })),
    ...(await findExpired(scene, examined, at)),
    ...findInProduction(scene.project, examined),
  ]
  if (request.at === undefined) {
    await writeState(scene.state, { ...state, checkedAt: new Date(at).toISOString() })
    await logEvent(scene.state, { at, type: 'secret-key.check', facts: { name, findings: findings.length } })
  }
  return { name, findings, files: await viewFiles(scene, examined, strengths) }
}

type Strengths = ReadonlyMap<string, Strength>

/** By key, each once. */
async function judgeAll(scene: ProjectScene, examined: readonly ExaminedFile[]): Promise<Strengths> {
  const keys = new Set(examined.flatMap(({ key }) => key ?? []))
  if (keys.size === 0) return new Map()
  const input = { words: await loadWords(), projectNames: await projectNames(scene.workspace) }
  return new Map([...keys].map((key) => [key, judgeStrength(key, input)]))
}

async function viewFiles(
  scene: ProjectScene,
  examined: readonly ExaminedFile[],
  strengths: Strengths,
): Promise<readonly CheckedFile[]> {
  const fingerprintOf = await fingerprinter(scene.state)
  return examined.flatMap(({ key, target, environment }) => {
    const strength = strengths.get(key ?? '')
    if (key === undefined || strength === undefined) return []
    const { characters, bits } = strength
    return [{ path: target.path, environment, fingerprint: fingerprintOf(key), characters, bits }]
  })
}

function findMissing({ environment }: Project, examined: readonly ExaminedFile[]): readonly KeyFinding[] {
  const own = examined.filter((file) => file.environment === environment)
  return own.some(({ key }) => key !== undefined) ? [] : [{ code: 'missing', environment }]
}

function findWeak(examined: readonly ExaminedFile[], strengths: Strengths): readonly KeyFinding[] {
  return examined.flatMap(({ key, target, environment }) =>
    (strengths.get(key ?? '')?.weaknesses ?? []).map((code) => ({ code, file: target.path, environment })),
  )
}

/** One key in two environments, or two keys in one. */
function findShared(examined: readonly ExaminedFile[]): readonly KeyFinding[] {
  const withKey = examined.filter(({ key }) => key !== undefined)
  const reused = withKey.flatMap(({ key, target, environment }): KeyFinding[] => {
    const other = withKey.find((each) => each.key === key && each.environment !== environment)
    return other === undefined
      ? []
      : [{ code: 'reused', file: target.path, environment, detail: other.target.path }]
  })
  const differing = ENVIRONMENTS.flatMap((environment): KeyFinding[] => {
    const [first, ...rest] = withKey.filter((each) => each.environment === environment)
    const other = rest.find(({ key }) => key !== first?.key)
    if (first === undefined || other === undefined) return []
    return [{ code: 'files-differ', environment, file: first.target.path, detail: other.target.path }]
  })
  return [...reused, ...differing]
}

async function findInGit(
  { workspace }: ProjectScene,
  examined: readonly ExaminedFile[],
  fix: boolean,
): Promise<readonly KeyFinding[]> {
  const there = examined.filter(({ file }) => file !== undefined).map(({ target }) => target.path)
  const states = (await askGit(workspace.root.path, there)) ?? []
  const open = states.filter(({ isTracked, isIgnored }) => !isTracked && !isIgnored).map(({ path }) => path)
  const edit = fix && open.length > 0 ? await ignoreEdit(workspace, open) : undefined
  if (edit !== undefined) await (await applyEdits(workspace, [edit], async () => undefined)).keep()
  return [
    ...states.flatMap(({ path, isTracked }): KeyFinding[] =>
      isTracked ? [{ code: 'tracked', file: path }] : [],
    ),
    ...(fix ? [] : open.map((path): KeyFinding => ({ code: 'not-ignored', file: path }))),
  ]
}

interface Ages {
  readonly examined: readonly ExaminedFile[]
  readonly state: ProjectState
  readonly now: number
}

/** By days, or by the major versions of the project. */
async function findOverdue(
  { workspace, project }: ProjectScene,
  { examined, state, now }: Ages,
): Promise<readonly KeyFinding[]> {
  const findings: KeyFinding[] = []
  for (const environment of ENVIRONMENTS) {
    const known = state.keys[environment]
    const isThere = examined.some((each) => each.environment === environment && each.key !== undefined)
    if (known === undefined || !isThere) continue
    const [schedule, after] = [project.rotation[environment], Date.parse(known.createdAt)]
    if (schedule === 'on-demand') {
      const tag = await findMajorTag(workspace.root.path, { after, until: now })
      if (tag !== undefined) findings.push({ code: 'major-version', environment, detail: tag })
    } else if (after + schedule * DAY_MILLISECONDS <= now) {
      findings.push({ code: 'overdue', environment, detail: `${schedule} days` })
    }
  }
  return findings
}

async function findExpired(
  { state }: ProjectScene,
  examined: readonly ExaminedFile[],
  now: number,
): Promise<readonly KeyFinding[]> {
  const fingerprintOf = await fingerprinter(state)
  const { keys } = await readState(state)
  return examined.flatMap(({ previous, target, environment }): KeyFinding[] => {
    const known = keys[environment]?.previous ?? []
    const live = known.filter((each) => isLive(each, now)).map(({ fingerprint }) => fingerprint)
    const isOver = previous.some((key) => !live.includes(fingerprintOf(key)))
    return isOver ? [{ code: 'previous-expired', file: target.path, environment }] : []
  })
}

/** Where production runs, the key comes from the environment (docs/en/secret-key.md). */
function findInProduction(
  { environment }: Project,
  examined: readonly ExaminedFile[],
): readonly KeyFinding[] {
  if (environment !== 'production') return []
  return examined
    .filter(({ file, target }) => file !== undefined && target.form === 'dotenv')
    .map(({ target }) => ({ code: 'env-file-in-production', file: target.path, environment }))
}
