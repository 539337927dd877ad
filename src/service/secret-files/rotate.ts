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
  previousName,
  readKeyFiles,
  valueIn,
  type WrittenFile,
  writeKeyFiles,
} from './key-files.ts'
import { type EnvironmentName, type Project, targetsFor } from './project.ts'
import { type HookPlace, type Hooks, restart, takeUp } from './run/hook.ts'
import { type KeyAlphabet, makeSecretKey, MIN_KEY_CHARACTERS } from './secret-key.ts'
import { fingerprinter, logEvent, readState } from './state.ts'
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
  /** The key before the old one, where its own time was not over: one is kept. */
  readonly endedEarly?: string
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
    const values = newValues(current, { key, keepsOld: grace !== undefined })
    const { pending, files } = await writeKeyFiles(scene.workspace, current.files, values)
    const failed = await bringUp(scene, request)
    if (failed !== undefined) {
      await pending.undo()
      await restart(hooksOf(scene.project, request), hookPlace(scene, request))
      await log(scene, 'secret-key.rotate-undone', { name, environment, step: failed })
      throw new CoffreError('SECRET_KEY_ROLLED_BACK', { facts: { step: failed } })
    }
    await pending.keep()
    const previous = grace === undefined ? {} : { previous: { fingerprint: replaced, until: grace } }
    const endedEarly = await livePrevious(scene, environment)
    await remember(scene, { environment, fingerprint, isGenerated: request.key === undefined, ...previous })
    const type = request.isCompromised === true ? 'secret-key.rotate-compromised' : 'secret-key.rotate'
    await log(scene, type, { name, environment, fingerprint, replaced })
    return {
      name,
      environment,
      fingerprint,
      replaced,
      files,
      ...(grace === undefined ? {} : { graceUntil: grace }),
      ...(endedEarly === undefined ? {} : { endedEarly }),
    }
  })
}

/** The files that a rotation would change; refuses what the rotation itself would refuse. */
export function planRotation(folder: string, request: RotateRequest): Promise<readonly string[]> {
  return lookAtProject(folder, async (scene) => {
    const { files } = await readCurrent(scene, request)
    return files.map(({ target }) => target.path)
  })
}

/** Takes the key from before the last rotation away where its time is over; answers what became of it. */
export function retirePreviousKey(
  parts: SecretFilesParts,
  request: Pick<RotateRequest, 'environment' | 'name'>,
): Promise<'retired' | 'live' | 'none'> {
  return withProject(parts, async (scene) => {
    const { name, files, environment } = await readCurrent(scene, request)
    if (files.every((file) => valueIn(file, previousName(name)) === undefined)) return 'none'
    if ((await livePrevious(scene, environment)) !== undefined) return 'live'
    const { pending } = await writeKeyFiles(scene.workspace, files, [previousValue(name, undefined)])
    await pending.keep()
    await log(scene, 'secret-key.retire', { name, environment })
    return 'retired'
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

/** When the old key ends; `undefined` for one that somebody else knows. */
function graceOf({ project, now }: ProjectScene, { isCompromised }: RotateRequest): string | undefined {
  const { sessionSeconds } = project
  if (isCompromised === true || sessionSeconds === 0) return undefined
  return new Date(now() + sessionSeconds * 1_000).toISOString()
}

/** A program that is given a shorter one refuses to start. */
function isPortable(key: string): boolean {
  return key.length >= MIN_KEY_CHARACTERS && /^[\x21-\x7e]+$/.test(key) && quoteDotenv(key) !== undefined
}

function newValues(
  { name, old }: Current,
  next: { readonly key: string; readonly keepsOld: boolean },
): readonly NewValue[] {
  return [
    { name, value: next.key, comment: KEY_COMMENT },
    previousValue(name, next.keepsOld ? old : undefined),
  ]
}

function previousValue(name: string, value: string | undefined): NewValue {
  return { name: previousName(name), value, comment: PREVIOUS_COMMENT }
}

/** The fingerprint of the key from before the last rotation, where its time is not over. */
async function livePrevious(
  { state, now }: ProjectScene,
  environment: EnvironmentName,
): Promise<string | undefined> {
  const previous = (await readState(state)).keys[environment]?.previous
  return previous !== undefined && Date.parse(previous.until) > now() ? previous.fingerprint : undefined
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

function log(
  scene: ProjectScene,
  type: string,
  facts: Readonly<Record<string, string | number>>,
): Promise<void> {
  return logEvent(scene.state, { at: scene.now(), type, facts })
}
