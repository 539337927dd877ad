import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { KEY_COMMENT, readKeyFiles, valueIn, type WrittenFile, writeKeyFiles } from './key-files.ts'
import { refuseReadOnly } from './change/file-place.ts'
import { ignoreEdit } from './change/git.ts'
import { type EnvironmentName, targetsFor } from './project.ts'
import { type KeyAlphabet, makeSecretKey } from './secret-key.ts'
import { fingerprinter, type KeyState, logEvent, readState, writeState } from './state.ts'
import { type ProjectScene, lookAtProject, type SecretFilesParts, withProject } from './with-project.ts'

const DEFAULT_NAME = 'SECRET_KEY'

export interface GenerateRequest {
  readonly environment?: EnvironmentName
  readonly length?: number
  readonly alphabet?: KeyAlphabet
  readonly name?: string
  /** A key that somebody brings in place of a generated one. */
  readonly key?: Secret
  /** Takes the place of a key that is there; without it, KEY_EXISTS. */
  readonly replace?: boolean
}

export interface Generated {
  readonly name: string
  readonly environment: EnvironmentName
  readonly characters: number
  readonly fingerprint: string
  readonly files: readonly WrittenFile[]
  readonly isIgnoreChanged: boolean
  readonly key: Secret
}

/** Makes a key and puts it into every file of the environment, or into none. */
export function generateSecretKey(parts: SecretFilesParts, request: GenerateRequest): Promise<Generated> {
  return withProject(parts, async (scene) => {
    const { name, environment, files } = await prepare(scene, request)
    const key = request.key?.reveal() ?? makeSecretKey(request)
    const fingerprint = (await fingerprinter(scene.state))(key)
    const value = { name, value: key, comment: KEY_COMMENT }
    const { pending, ...written } = await writeKeyFiles(scene.workspace, files, [value])
    await pending.keep()
    await remember(scene, { environment, fingerprint, isGenerated: request.key === undefined })
    const facts = { name, environment, fingerprint }
    await logEvent(scene.state, { at: scene.now(), type: 'secret-key.generate', facts })
    return { name, environment, characters: key.length, fingerprint, key: new Secret(key), ...written }
  })
}

export interface PlannedKey {
  readonly name: string
  readonly environment: EnvironmentName
  readonly files: readonly PlannedFile[]
  readonly isIgnoreChanged: boolean
}

interface PlannedFile {
  readonly path: string
  readonly change: 'create' | 'change'
}

/** What `generateSecretKey` would do, or why it would not. Writes nothing. */
export function planSecretKey(folder: string, request: GenerateRequest): Promise<PlannedKey> {
  return lookAtProject(folder, async (scene) => {
    const { name, environment, files } = await prepare(scene, request)
    for (const { target, found } of files) {
      if (found !== undefined) refuseReadOnly(target.path, found)
    }
    const paths = files.map(({ target }) => target.path)
    return {
      name,
      environment,
      files: files.map(({ target, found }) => ({
        path: target.path,
        change: found === undefined ? 'create' : 'change',
      })),
      isIgnoreChanged: (await ignoreEdit(scene.workspace, paths)) !== undefined,
    }
  })
}

async function prepare(
  { workspace, project }: Pick<ProjectScene, 'workspace' | 'project'>,
  request: GenerateRequest,
) {
  const name = readName(request.name)
  const environment = request.environment ?? project.environment
  const files = await readKeyFiles(workspace, targetsFor(project, environment))
  if (request.replace !== true && files.some((file) => valueIn(file, name) !== undefined)) {
    throw new CoffreError('SECRET_KEY_EXISTS', { facts: { name } })
  }
  return { name, environment, files }
}

export async function remember(
  { state, now }: ProjectScene,
  key: Omit<KeyState, 'createdAt'> & { readonly environment: EnvironmentName },
): Promise<void> {
  const { environment, ...rest } = key
  const known = await readState(state)
  const createdAt = new Date(now()).toISOString()
  await writeState(state, { ...known, keys: { ...known.keys, [environment]: { createdAt, ...rest } } })
}

/** What a shell and every reader takes for a variable. Throws INVALID_REQUEST. */
export function readName(name: string = DEFAULT_NAME): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) return name
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'name', expected: 'letters, digits and _' } })
}
