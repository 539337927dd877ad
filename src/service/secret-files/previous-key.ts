import { quoteDotenv } from './file/quote.ts'
import { KEY_COMMENT, type NewValue, PREVIOUS_COMMENT, previousName } from './key-files.ts'
import type { EnvironmentName } from './project.ts'
import { MIN_KEY_CHARACTERS } from './secret-key.ts'
import { readState } from './state.ts'
import type { ProjectScene } from './with-project.ts'

/** When a key that another takes the place of ends; `undefined` for one that an env file cannot hold beside others. */
export function graceOf(
  { project, now }: Pick<ProjectScene, 'project' | 'now'>,
  old: string,
): string | undefined {
  const { sessionSeconds } = project
  if (sessionSeconds === 0 || !isPortable(old)) return undefined
  return new Date(now() + sessionSeconds * 1_000).toISOString()
}

/** A program that is given a shorter one refuses to start. */
function isPortable(key: string): boolean {
  return key.length >= MIN_KEY_CHARACTERS && /^[\x21-\x7e]+$/.test(key) && quoteDotenv(key) !== undefined
}

/** A key, and the one before it where that still verifies. */
export function newValues(
  name: string,
  { key, previous }: { readonly key: string; readonly previous: string | undefined },
): readonly NewValue[] {
  return [{ name, value: key, comment: KEY_COMMENT }, previousValue(name, previous)]
}

export function previousValue(name: string, value: string | undefined): NewValue {
  return { name: previousName(name), value, comment: PREVIOUS_COMMENT }
}

/** The fingerprint of the key from before the last rotation, where its time is not over. */
export async function livePrevious(
  { state, now }: Pick<ProjectScene, 'state' | 'now'>,
  environment: EnvironmentName,
): Promise<string | undefined> {
  const previous = (await readState(state)).keys[environment]?.previous
  return previous !== undefined && Date.parse(previous.until) > now() ? previous.fingerprint : undefined
}
