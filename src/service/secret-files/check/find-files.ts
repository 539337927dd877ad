import { readdir } from 'node:fs/promises'
import type { Workspace } from '../change/workspace.ts'
import {
  type EnvironmentName,
  ENVIRONMENTS,
  type Project,
  type Target,
  targetsFor,
  toTarget,
} from '../project.ts'

const TEMPLATE = /\.(?:example|sample|template|dist|enc)$|^\.env\.(?:example|sample|template)/
const MAX_FOUND = 64
const WORDS: readonly (readonly [RegExp, EnvironmentName])[] = [
  [/(?:^|[._-])(?:prod|production)(?:[._-]|$)/, 'production'],
  [/(?:^|[._-])(?:stag|staging|preprod)(?:[._-]|$)/, 'staging'],
  [/(?:^|[._-])(?:dev|development|local|test)(?:[._-]|$)/, 'dev'],
]

export interface KeyPlace {
  readonly target: Target
  readonly environment: EnvironmentName
}

/** Every file of an environment, and what else lies where such files do. */
export async function findKeyPlaces(workspace: Workspace, project: Project): Promise<readonly KeyPlace[]> {
  const declared = ENVIRONMENTS.flatMap((environment) =>
    targetsFor(project, environment).map((target) => ({ target, environment })),
  )
  const known = new Set(declared.map(({ target }) => target.path))
  const names = [
    ...(await list(workspace, '')).filter((name) => name === '.env' || name.startsWith('.env.')),
    ...(await list(workspace, '.streamlit/'))
      .filter((name) => /^secrets.*\.toml$/.test(name))
      .map((name) => `.streamlit/${name}`),
  ]
  const others = names.filter((path) => !known.has(path) && !TEMPLATE.test(path)).slice(0, MAX_FOUND)
  return [
    ...declared,
    ...others.map((path) => ({ target: toTarget(path), environment: guess(path, project) })),
  ]
}

function guess(path: string, { environment }: Project): EnvironmentName {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return WORDS.find(([word]) => word.test(name))?.[1] ?? environment
}

async function list(workspace: Workspace, folder: string): Promise<readonly string[]> {
  const place = await workspace.find(`${folder}x`)
  return place === undefined ? [] : (await readdir(place.folder.at('.'))).toSorted()
}
