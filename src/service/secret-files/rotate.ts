import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { writeBackup } from './backup.ts'
import type { Pending } from './change/change.ts'
import { type OpenFolder, refused } from './change/folder.ts'
import type { FileKeyHolder } from './encrypted/file-key.ts'
import { readName, remember } from './generate.ts'
import {
  type KeyFile,
  previousNames,
  readKeyFiles,
  refuseUnfit,
  restoreValues,
  valueIn,
  type WrittenFile,
  writeKeyFiles,
} from './key-files.ts'
import { removePlainBackups, writePlainBackups } from './plain-backup.ts'
import {
  graceOf,
  isLive,
  keepOldKeys,
  newValues,
  type OldKey,
  previousValues,
  readOldKeys,
  viewOldKeys,
} from './previous-key.ts'
import { type EnvironmentName, type Project, targetsFor } from './project.ts'
import { type HookPlace, type Hooks, restart, takeUp } from './run/hook.ts'
import { type ProbedKeys, requireSessionProbe } from './run/session-probe.ts'
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
  /** Keeps the old files in clear as well, for a day. */
  readonly plainBackup?: boolean
}

export interface Rotated {
  readonly name: string
  readonly environment: EnvironmentName
  readonly fingerprint: string
  readonly replaced: string
  readonly files: readonly WrittenFile[]
  /** Until when the old key still verifies; absent where it does not. */
  readonly graceUntil?: string
  /** The old files in clear, where they were asked for. */
  readonly plainBackups?: readonly string[]
  /** Keys before the old one whose own time was not over, where no name was left for them. */
  readonly endedEarly?: readonly string[]
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
    const { sessionProbe } = hooksOf(scene.project, request)
    if (sessionProbe !== undefined) requireSessionProbe(sessionProbe)
    const key = request.key?.reveal() ?? makeSecretKey(request)
    if (key === old) throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: 'another key' } })
    const fingerprintOf = await fingerprinter(scene.state)
    const [fingerprint, replaced] = [fingerprintOf(key), fingerprintOf(old)]
    const copies = await keepCopies(scene, { current, fingerprint: replaced, request }, holder)
    const grace = request.isCompromised === true ? undefined : graceOf(scene, old)
    const oldKeys = await readOldKeys(scene.state, current)
    const { kept, ended } = keepOldKeys(oldKeys, {
      key,
      replaced: { key: old, fingerprint: replaced, ...(grace === undefined ? {} : { until: grace }) },
      now: scene.now(),
      isCompromised: request.isCompromised === true,
    })
    const values = newValues(name, { key, previous: kept.map((each) => each.key) })
    const { pending, files } = await writeKeyFiles(scene.workspace, current.files, values).catch(
      async (error: unknown) => {
        await copies.drop()
        throw error
      },
    )
    const failed = await bringUp(scene, request, { key, ...(grace === undefined ? { ended: old } : {}) })
    if (failed !== undefined) {
      const edited = await undo(scene, current, pending)
      await copies.drop()
      await restart(hooksOf(scene.project, request), hookPlace(scene, request))
      const facts = { step: failed, ...(edited.length === 0 ? {} : { edited: edited.join(', ') }) }
      await log(scene, 'secret-key.rotate-undone', { name, environment, ...facts })
      throw new CoffreError('SECRET_KEY_ROLLED_BACK', { facts })
    }
    await pending.keep()
    const isGenerated = request.key === undefined
    await remember(scene, { environment, fingerprint, isGenerated, ...viewOldKeys(kept) })
    const type = request.isCompromised === true ? 'secret-key.rotate-compromised' : 'secret-key.rotate'
    await log(scene, type, { name, environment, fingerprint, replaced })
    return {
      name,
      environment,
      fingerprint,
      replaced,
      files,
      ...(copies.plain === undefined ? {} : { plainBackups: copies.plain }),
      ...(grace === undefined ? {} : { graceUntil: grace }),
      ...(ended.length === 0 ? {} : { endedEarly: ended.map((each) => each.fingerprint) }),
    }
  })
}

/** The files that a rotation would change; refuses what the rotation itself would refuse. */
export function planRotation(folder: string, request: RotateRequest): Promise<readonly string[]> {
  return lookAtProject(folder, async (scene) => {
    const { files, name } = await readCurrent(scene, request)
    return refuseUnfit(files, name)
  })
}

export interface PlannedRetirement {
  readonly previous: Retirement
  readonly files: readonly string[]
}

/** What became of the keys from before: one at least taken away, all still at work, or none there. */
export type Retirement = 'retired' | 'live' | 'none'

/** What `retirePreviousKey` would answer, and the files that it would change. */
export function planRetirement(
  folder: string,
  request: Pick<RotateRequest, 'environment' | 'name'>,
  now: () => number = Date.now,
): Promise<PlannedRetirement> {
  return lookAtProject(folder, async (scene) => {
    const current = await readCurrent(scene, request)
    const place = await scene.workspace.find('.coffre/x')
    const { previous } = await judgePrevious(place?.folder, current, now())
    return { previous, files: previous === 'retired' ? refuseUnfit(current.files, current.name) : [] }
  })
}

/** Takes the keys from before away whose time is over; answers what became of them. */
export function retirePreviousKey(
  parts: SecretFilesParts,
  request: Pick<RotateRequest, 'environment' | 'name'>,
): Promise<Retirement> {
  return withProject(parts, async (scene) => {
    const current = await readCurrent(scene, request)
    const { name, files, environment } = current
    const { previous, live } = await judgePrevious(scene.state, current, scene.now())
    if (previous !== 'retired') return previous
    const values = previousValues(
      name,
      live.map(({ key }) => key),
    )
    const { pending } = await writeKeyFiles(scene.workspace, files, values)
    await pending.keep()
    await log(scene, 'secret-key.retire', { name, environment, live: live.length })
    return 'retired'
  })
}

async function judgePrevious(
  state: OpenFolder | undefined,
  current: Current,
  now: number,
): Promise<{ readonly previous: Retirement; readonly live: readonly OldKey[] }> {
  const old = await readOldKeys(state, current)
  const live = old.filter((each) => isLive(each, now))
  const previous = old.length === 0 ? 'none' : live.length === old.length ? 'live' : 'retired'
  return { previous, live }
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

/** The step that failed. */
async function bringUp(
  scene: ProjectScene,
  request: RotateRequest,
  keys: ProbedKeys,
): Promise<'restart' | 'probe' | 'session' | undefined> {
  const outcome = await takeUp(hooksOf(scene.project, request), hookPlace(scene, request), keys)
  return outcome === 'ok' ? undefined : outcome
}

interface Copies {
  /** Paths of the old files in clear, where they were asked for. */
  readonly plain?: readonly string[]
  /** For a rotation that is undone: the old key is in its files again. */
  drop(): Promise<void>
}

async function keepCopies(
  { workspace, now }: ProjectScene,
  {
    current,
    fingerprint,
    request,
  }: { readonly current: Current; readonly fingerprint: string; readonly request: RotateRequest },
  holder: FileKeyHolder,
): Promise<Copies> {
  const { name, environment, old, files } = current
  const backup = { name, environment, fingerprint, key: old, now: now() }
  const dropBackup = await writeBackup(workspace, backup, holder)
  const plain = request.plainBackup === true ? await writePlainBackups(workspace, files, now()) : undefined
  return {
    ...(plain === undefined ? {} : { plain }),
    drop: async () => {
      await dropBackup()
      await removePlainBackups(workspace, plain ?? [])
    },
  }
}

/** The old files; in one that somebody saved meanwhile the old values, and the rest as they saved it. */
async function undo(scene: ProjectScene, current: Current, pending: Pending): Promise<readonly string[]> {
  const { name } = current
  return restoreValues(scene.workspace, await pending.undo(), [name, ...previousNames(name)])
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
