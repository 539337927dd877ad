import { CoffreError } from '../../model/errors.ts'
import { readPlace, textOf } from './change/file-place.ts'
import { refuseStateFolder, type Workspace } from './change/workspace.ts'
import type { Form } from './file/reader.ts'
import type { SessionProbe } from './run/session-probe.ts'

export const ENVIRONMENTS = ['dev', 'staging', 'production'] as const

export type EnvironmentName = (typeof ENVIRONMENTS)[number]

/** A file that holds the key. */
export interface Target {
  /** From the project's folder, with `/`. */
  readonly path: string
  readonly form: Form
}

/** After how many days the key is due; `on-demand`: with each new major version that git has a tag of. */
export type RotationSchedule = number | 'on-demand'

/** What `.coffre.json` says of secret files. It holds no secret and belongs in git. */
export interface Project {
  /** Which environment the files of this folder are for. */
  readonly environment: EnvironmentName
  readonly targets: Readonly<Record<EnvironmentName, readonly Target[]>>
  readonly rotation: Readonly<Record<EnvironmentName, RotationSchedule>>
  readonly restart?: string
  readonly probe?: string
  readonly reloadPidFile?: string
  readonly sessionProbe?: SessionProbe
  /** How long the application's longest session lives. */
  readonly sessionSeconds: number
  /** The page that tells what to do when a key is lost or known. */
  readonly procedures: string
}

const CONFIG = '.coffre.json'
const DEFAULT_TARGETS = ['.streamlit/secrets.toml', '.env']
const DEFAULT_SESSION_SECONDS = 86_400
const MAX_SESSION_SECONDS = 366 * 86_400
const DEFAULT_ROTATION = { dev: 'on-demand', staging: 91, production: 182 } as const
const MAX_ROTATION_DAYS = 3_650
const MAX_TARGETS = 16
const MAX_COMMAND_CHARACTERS = 1_024
const DEFAULT_PROCEDURES = 'SECRET_KEY.md'

/** Throws CONFIG_REFUSED, which names the field. */
export async function readProject(workspace: Workspace): Promise<Project> {
  const place = await workspace.find(CONFIG)
  const found = place === undefined ? undefined : await readPlace(place)
  const config = found === undefined || place === undefined ? {} : parseConfig(textOf(place, found.bytes))
  return toProject(record(config['secretFiles'] ?? {}, 'secretFiles'))
}

function toProject(section: Fields): Project {
  const environment = oneOf(section['environment'] ?? 'dev', ENVIRONMENTS, 'environment')
  const own = readTargets(section['targets'] ?? DEFAULT_TARGETS, 'targets')
  const others = record(section['environments'] ?? {}, 'environments')
  const targetsOf = (name: EnvironmentName): readonly Target[] => {
    const at = `environments.${name}`
    if (others[name] === undefined) return name === environment ? own : []
    return readTargets(record(others[name], at)['targets'], `${at}.targets`)
  }
  return {
    environment,
    targets: { dev: targetsOf('dev'), staging: targetsOf('staging'), production: targetsOf('production') },
    rotation: readRotation(record(section['rotation'] ?? {}, 'rotation')),
    ...optionalText(section, 'restart'),
    ...optionalText(section, 'probe'),
    ...optionalText(section, 'reloadPidFile'),
    ...readSessionProbe(section['sessionProbe']),
    sessionSeconds: readSeconds(section['sessionSeconds'] ?? DEFAULT_SESSION_SECONDS),
    procedures: readText(section['procedures'] ?? DEFAULT_PROCEDURES, 'procedures'),
  }
}

/**
 * The files of an environment: what is declared for it, else those of this folder with its name in theirs, so that the key
 * of one environment never takes the place of another's.
 */
export function targetsFor(project: Project, environment: EnvironmentName): readonly Target[] {
  const declared = project.targets[environment]
  if (declared.length > 0) return declared
  return project.targets[project.environment].map(({ path }) => toTarget(nameFor(path, environment)))
}

/** `.env.production`, `.streamlit/secrets.production.toml`, `deploy/app.production.env`. */
function nameFor(path: string, environment: EnvironmentName): string {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const name = path.slice(folder.length)
  const ending = /(?!^)\.(?:env|toml)$/.exec(name)?.[0] ?? ''
  return `${folder}${name.slice(0, name.length - ending.length)}.${environment}${ending}`
}

export function toTarget(path: string): Target {
  refuseStateFolder(path)
  const name = path.split('/').at(-1) ?? ''
  if (name.endsWith('.toml')) return { path, form: 'toml' }
  if (name.startsWith('.env') || name.endsWith('.env')) return { path, form: 'dotenv' }
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'target', expected: 'a name like .env, .env.NAME, NAME.env or NAME.toml' },
  })
}

type Fields = Readonly<Record<string, unknown>>

function parseConfig(text: string): Fields {
  try {
    return record(JSON.parse(text), CONFIG)
  } catch (error) {
    if (error instanceof CoffreError) throw error
    throw refuse(CONFIG, 'JSON')
  }
}

function record(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(at, 'an object')
  return Object.fromEntries(Object.entries(value))
}

function readTargets(value: unknown, at: string): readonly Target[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_TARGETS) {
    throw refuse(at, `1 to ${MAX_TARGETS} paths`)
  }
  const paths = value.map((path) => readText(path, at))
  if (new Set(paths).size < paths.length) throw refuse(at, 'each path once')
  return paths.map(toTarget)
}

function readSessionProbe(value: unknown): { readonly sessionProbe?: SessionProbe } {
  if (value === undefined) return {}
  const section = record(value, 'sessionProbe')
  const url = readText(section['url'], 'sessionProbe.url')
  const { issuer, audience } = { ...optionalText(section, 'issuer'), ...optionalText(section, 'audience') }
  const how = { url, ...optionalText(section, 'cookie') }
  if (issuer === undefined && audience === undefined) return { sessionProbe: how }
  if (issuer !== undefined && audience !== undefined) {
    return { sessionProbe: { ...how, scope: { issuer, audience } } }
  }
  throw refuse('sessionProbe', 'issuer and audience, or neither')
}

function readRotation(section: Fields): Project['rotation'] {
  const unknown = Object.keys(section).find((name) => !ENVIRONMENTS.some((each) => each === name))
  if (unknown !== undefined) throw refuse('rotation', ENVIRONMENTS.join(', '))
  const of = (name: EnvironmentName) =>
    readSchedule(section[name] ?? DEFAULT_ROTATION[name], `rotation.${name}`)
  return { dev: of('dev'), staging: of('staging'), production: of('production') }
}

function readSchedule(value: unknown, at: string): RotationSchedule {
  if (value === 'on-demand') return value
  const isDays =
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_ROTATION_DAYS
  if (isDays) return value
  throw refuse(at, `on-demand, or 1 to ${MAX_ROTATION_DAYS} days`)
}

function optionalText<Name extends string>(section: Fields, name: Name): { readonly [Key in Name]?: string } {
  const value = section[name]
  // The computed name is the one of the type.
  return value === undefined ? {} : ({ [name]: readText(value, name) } as { readonly [Key in Name]?: string })
}

function readText(value: unknown, at: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_COMMAND_CHARACTERS) return value
  throw refuse(at, `text of at most ${MAX_COMMAND_CHARACTERS} characters`)
}

function readSeconds(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_SESSION_SECONDS)
    return value
  throw refuse('sessionSeconds', `a whole number up to ${MAX_SESSION_SECONDS}`)
}

function oneOf<Choice extends string>(value: unknown, choices: readonly Choice[], at: string): Choice {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw refuse(at, choices.join(', '))
  return found
}

function refuse(setting: string, expected: string): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { file: CONFIG, setting, expected } })
}
