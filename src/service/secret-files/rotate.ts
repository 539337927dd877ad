import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { writeBackup } from './backup.ts'
import { refused } from './change/folder.ts'
import type { FileKeyHolder } from './encrypted/file-key.ts'
import { quoteDotenv } from './file/quote.ts'
import { readName, remember } from './generate.ts'
import {
  KEY_COMMENT,
  type KeyFile,
  type NewValue,
  PREVIOUS_COMMENT,
  readKeyFiles,
  valueIn,
  type WrittenFile,
  writeKeyFiles,
} from './key-files.ts'
import { formatPrevious, parsePrevious, previousName } from './previous-keys.ts'
import { type EnvironmentName, type Project, targetsFor } from './project.ts'
import { type HookPlace, type Hooks, restart, takeUp } from './run/hook.ts'
import { type KeyAlphabet, makeSecretKey } from './secret-key.ts'
import { fingerprinter, logEvent } from './state.ts'
import { lookAtProject, type ProjectScene, type SecretFilesParts, withProject } from './with-project.ts'

const DEFAULT_PROBE_SECONDS = 30

export interface RotateRequest {
  readonly environment?: EnvironmentName
  readonly name?: string
  readonly length?: number
  readonly alphabet?: KeyAlphabet
  readonly key?: Secret
  /** Somebody else knows the old key: it verifies nothing from now on. */
  readonly isCompromised?: boolean
  /** In place of those of `.coffre.json`. */
  readonly hooks?: Hooks
  readonly probeSeconds?: number
}

export interface Rotated {
  readonly name: string
  readonly environment: EnvironmentName
  readonly fingerprint: string
  readonly replaced: string
  readonly files: readonly WrittenFile[]
  /** Until when the old key still verifies; absent where it does not. */
  readonly graceUntil?: string
}

/**
 * Back up the old key, change every file or none, restart, probe. Where the application does not come up, every file
 * is as it was, and it is restarted once more.
 */
export function rotateSecretKey(
  parts: SecretFilesParts,
  request: RotateRequest,
  holder: FileKeyHolder,
): Promise<Rotated> {
  return withProject(parts, async (scene) => {
    const current = await readCurrent(scene, request)
    const { name, environment, old } = current
    const key = request.key?.reveal() ?? makeSecretKey(request)
    if (key === old) throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: 'another key' } })
    const fingerprintOf = await fingerprinter(scene.state)
    const [fingerprint, replaced] = [fingerprintOf(key), fingerprintOf(old)]
    await writeBackup(
      scene.workspace,
      { name, environment, fingerprint: replaced, key: old, now: scene.now() },
      holder,
    )
    // A key that an env file cannot hold beside others ends with the rotation.
    const grace = isPortable(old) ? graceOf(scene, request) : undefined
    const values = newValues(scene, current, { key, grace })
    const { pending, files } = await writeKeyFiles(scene.workspace, current.files, values)
    const failed = await bringUp(scene, request)
    if (failed !== undefined) {
      await pending.undo()
      await restart(hooksOf(scene.project, request), hookPlace(scene, request))
      await log(scene, 'secret-key.rotate-undone', { name, environment, step: failed })
      throw new CoffreError('SECRET_KEY_ROLLED_BACK', { facts: { step: failed } })
    }
    await pending.keep()
    await remember(scene, { environment, fingerprint, isGenerated: request.key === undefined })
    const type = request.isCompromised === true ? 'secret-key.rotate-compromised' : 'secret-key.rotate'
    await log(scene, type, { name, environment, fingerprint, replaced })
    const graceUntil = grace === undefined ? {} : { graceUntil: new Date(grace * 1_000).toISOString() }
    return { name, environment, fingerprint, replaced, files, ...graceUntil }
  })
}

/** The files that a rotation would change; refuses what the rotation itself would refuse. */
export function planRotation(folder: string, request: RotateRequest): Promise<readonly string[]> {
  return lookAtProject(folder, async (scene) => {
    const { files } = await readCurrent(scene, request)
    return files.map(({ target }) => target.path)
  })
}

/** Takes keys away whose time is over, and tells how many. */
export function retirePreviousKeys(
  parts: SecretFilesParts,
  request: Pick<RotateRequest, 'environment' | 'name'>,
): Promise<{ readonly retired: number; readonly left: number }> {
  return withProject(parts, async (scene) => {
    const { name, files, environment } = await readCurrent(scene, request)
    const [left, all] = [previousOf(files, name, seconds(scene)), previousOf(files, name, 0)]
    const retired = all.length - left.length
    if (retired > 0) {
      const { pending } = await writeKeyFiles(scene.workspace, files, [
        previousValue(name, formatPrevious(left)),
      ])
      await pending.keep()
      await log(scene, 'secret-key.retire', { name, environment, retired })
    }
    return { retired, left: left.length }
  })
}

interface Current {
  readonly name: string
  readonly environment: EnvironmentName
  readonly files: readonly KeyFile[]
  readonly old: string
}

async function readCurrent(
  { workspace, project }: Pick<ProjectScene, 'workspace' | 'project'>,
  request: Pick<RotateRequest, 'environment' | 'name'>,
): Promise<Current> {
  const name = readName(request.name)
  const environment = request.environment ?? project.environment
  const files = await readKeyFiles(workspace, targetsFor(project, environment))
  const keys = new Set(files.flatMap((file) => valueIn(file, name) ?? []))
  const [old] = keys
  if (old === undefined) throw new CoffreError('SECRET_KEY_MISSING', { facts: { name } })
  if (keys.size > 1) throw refused({ name, expected: 'one key in all files of the environment' })
  return { name, environment, files, old }
}

/** In Unix seconds; `undefined` for a key that somebody else knows. */
function graceOf(scene: ProjectScene, { isCompromised }: RotateRequest): number | undefined {
  const { sessionSeconds } = scene.project
  return isCompromised === true || sessionSeconds === 0 ? undefined : seconds(scene) + sessionSeconds
}

function isPortable(key: string): boolean {
  return /^[\x21-\x7e]+$/.test(key) && quoteDotenv(key) !== undefined
}

function newValues(
  scene: ProjectScene,
  { name, files, old }: Current,
  next: { readonly key: string; readonly grace: number | undefined },
): readonly NewValue[] {
  const previous =
    next.grace === undefined
      ? undefined
      : formatPrevious([{ untilSeconds: next.grace, key: old }, ...previousOf(files, name, seconds(scene))])
  return [{ name, value: next.key, comment: KEY_COMMENT }, previousValue(name, previous)]
}

function previousValue(name: string, value: string | undefined): NewValue {
  return { name: previousName(name), value, comment: PREVIOUS_COMMENT }
}

function previousOf(files: readonly KeyFile[], name: string, nowSeconds: number) {
  const text = files.map((file) => valueIn(file, previousName(name))).find((value) => value !== undefined)
  return parsePrevious(text ?? '', nowSeconds)
}

/** The step that failed. */
async function bringUp(
  scene: ProjectScene,
  request: RotateRequest,
): Promise<'restart' | 'probe' | undefined> {
  const outcome = await takeUp(hooksOf(scene.project, request), hookPlace(scene, request))
  return outcome === 'ok' ? undefined : outcome
}

function hooksOf(project: Project, { hooks = {} }: RotateRequest): Hooks {
  return { ...project, ...hooks }
}

function hookPlace({ workspace }: ProjectScene, { probeSeconds }: RotateRequest): HookPlace {
  return { folder: workspace.root.path, probeSeconds: probeSeconds ?? DEFAULT_PROBE_SECONDS }
}

function seconds({ now }: Pick<ProjectScene, 'now'>): number {
  return Math.floor(now() / 1_000)
}

function log(
  scene: ProjectScene,
  type: string,
  facts: Readonly<Record<string, string | number>>,
): Promise<void> {
  return logEvent(scene.state, { at: scene.now(), type, facts })
}
