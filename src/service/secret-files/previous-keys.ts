/**
 * Keys that an application still verifies with after a rotation, in one variable: entries with one space between, each
 * `<end in Unix seconds>:<key>` (docs/spec/secret-file.md). A key has no space, so any language divides it.
 */
export interface PreviousKey {
  readonly untilSeconds: number
  readonly key: string
}

const MAX_ENTRIES = 16

export function previousName(name: string): string {
  return `${name}_PREVIOUS`
}

/** What still counts at `nowSeconds`; what is no entry counts for nothing. */
export function parsePrevious(text: string, nowSeconds: number): readonly PreviousKey[] {
  return text
    .split(' ')
    .slice(0, MAX_ENTRIES)
    .flatMap((entry) => {
      const { until = '', key = '' } = /^(?<until>\d{1,12}):(?<key>\S+)$/.exec(entry)?.groups ?? {}
      const untilSeconds = Number(until)
      return key !== '' && untilSeconds > nowSeconds ? [{ untilSeconds, key }] : []
    })
}

/** `undefined` where there is none, so that the variable goes. */
export function formatPrevious(keys: readonly PreviousKey[]): string | undefined {
  if (keys.length === 0) return undefined
  return keys
    .slice(0, MAX_ENTRIES)
    .map(({ untilSeconds, key }) => `${untilSeconds}:${key}`)
    .join(' ')
}
