import { access, constants, lstat, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readPlace } from '../change/file-place.ts'
import { git } from '../change/git.ts'
import { type EnvironmentName, targetsFor } from '../project.ts'
import { DEFAULT_KEY_CHARACTERS } from '../secret-key.ts'
import { readState } from '../state.ts'
import { type ProjectScene, type SecretFilesParts, withProject } from '../with-project.ts'
import { type Checked, type CheckRequest, checkScene } from './check.ts'
import type { KeyFindingCode } from './finding.ts'

/** The eight boxes of the guide, in its order. */
export const BOXES = [
  'generated',
  'length',
  'complexity',
  'storage',
  'production',
  'rotation',
  'monitoring',
  'procedures',
] as const

export type BoxName = (typeof BOXES)[number]

export interface Box {
  readonly box: BoxName
  readonly isTicked: boolean
}

const STRUCTURE: readonly KeyFindingCode[] = [
  'low-entropy',
  'placeholder',
  'dictionary',
  'project-name',
  'year',
  'keyboard',
  'repetition',
]
const STORAGE: readonly KeyFindingCode[] = [
  'refused',
  'mode',
  'folder-mode',
  'tracked',
  'not-ignored',
  'files-differ',
]

export interface Checklist {
  /** Of which the files are judged: that of `.coffre.json`, or `dev`. */
  readonly environment: EnvironmentName
  readonly boxes: readonly Box[]
}

/** Each box by what is there now, not by what somebody says. */
export function checklist(
  parts: SecretFilesParts,
  request: Pick<CheckRequest, 'name'> & {
    readonly environment: Readonly<Record<string, string | undefined>>
  },
): Promise<Checklist> {
  return withProject(parts, async (scene) => {
    const checked = await checkScene(scene, request)
    const own = checked.files.filter(({ environment }) => environment === scene.project.environment)
    const has = (codes: readonly KeyFindingCode[]) =>
      checked.findings.some(({ code }) => codes.includes(code))
    const isThere = own.length > 0
    const ticks: Readonly<Record<BoxName, boolean>> = {
      generated: isThere && !has(['published', 'reused']) && (await isKnown(scene, own)),
      length: isThere && own.every(({ characters }) => characters >= DEFAULT_KEY_CHARACTERS),
      complexity: isThere && !has(STRUCTURE),
      storage: isThere && !has(STORAGE),
      production: isSafeInProduction(scene, checked, request.environment),
      rotation:
        isThere && !has(['overdue', 'major-version', 'previous-expired']) && (await isKnown(scene, own)),
      monitoring: isThere && (await isWatched(scene)),
      procedures: await areProceduresWritten(scene),
    }
    const boxes = BOXES.map((box) => ({ box, isTicked: ticks[box] }))
    return { environment: scene.project.environment, boxes }
  })
}

/** The key in the files is the one that Coffre made or took, so its age is known. */
async function isKnown(scene: ProjectScene, own: Checked['files']): Promise<boolean> {
  const known = (await readState(scene.state)).keys[scene.project.environment]
  return known !== undefined && own.every(({ fingerprint }) => fingerprint === known.fingerprint)
}

/** In production the variable is set and no env file lies there; elsewhere no key of production lies in a file. */
function isSafeInProduction(
  { project }: ProjectScene,
  { name, files, findings }: Checked,
  variables: Readonly<Record<string, string | undefined>>,
): boolean {
  if (project.environment !== 'production')
    return files.every(({ environment }) => environment !== 'production')
  const isSet = (variables[name] ?? '') !== '' || (variables[`${name}_FILE`] ?? '') !== ''
  return isSet && findings.every(({ code }) => code !== 'env-file-in-production')
}

/** The log of what was done with the keys is there for its owner alone, and in a git tree commits are scanned. */
async function isWatched({ workspace, state }: ProjectScene): Promise<boolean> {
  const log = await lstat(state.at('security.log')).catch(() => undefined)
  if (log === undefined || !log.isFile() || (log.mode & 0o077) !== 0) return false
  const hook = await git(workspace.root.path, ['rev-parse', '--git-path', 'hooks/pre-commit'])
  if (hook.code !== 0) return true
  return isScanHook(workspace.root.path, hook.output.toString().trim())
}

async function isScanHook(folder: string, path: string): Promise<boolean> {
  const at = resolve(folder, path)
  const text = await readFile(at, 'utf8').catch(() => '')
  const isExecutable = await access(at, constants.X_OK).then(
    () => true,
    () => false,
  )
  return isExecutable && /\bcoffre\b.*\bscan\b/.test(text)
}

/** The page names every file that holds the key. */
async function areProceduresWritten({ workspace, project }: ProjectScene): Promise<boolean> {
  const place = await workspace.find(project.procedures)
  const found = place === undefined ? undefined : await readPlace(place).catch(() => undefined)
  const text = found?.bytes.toString('utf8') ?? ''
  return targetsFor(project, project.environment).every(({ path }) => text.includes(path))
}
