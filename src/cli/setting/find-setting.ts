import { stat } from 'node:fs/promises'
import type { SettingPlace, SettingRow } from './setting-rows.ts'

/** A setting as it counts now. A secret has no value here, and nothing that was made from one. */
export interface FoundSetting {
  readonly setting: string
  readonly source: 'option' | 'environment' | 'file' | 'env-file' | 'login' | 'default' | 'none'
  /** The option, the variable or the file. */
  readonly from?: string
  readonly secret: boolean
  readonly value?: string
  /** Why it does not count as it is. */
  readonly problem?: string
}

/** The option before the variable before its file before what counts without any. */
export async function findSetting(row: SettingRow, place: SettingPlace): Promise<FoundSetting> {
  const { variable, option = '', kind } = row
  const setting = { setting: variable, secret: kind === 'secret' || kind === 'hidden' }
  const given = option === '' ? undefined : place.options.text(option)
  if (given !== undefined) {
    const found = { ...setting, source: 'option', from: `--${option}` } as const
    const isFile = option.endsWith('-file') && kind === 'secret'
    return isFile ? withFile(found, ' ', given) : withValue(row, found, given)
  }
  const value = place.environment[variable] ?? ''
  const path = kind === 'secret' ? (place.environment[`${variable}_FILE`] ?? '') : ''
  if (value !== '') {
    const found = withValue(row, { ...setting, source: 'environment', from: variable }, value)
    return path === '' ? found : { ...found, problem: `only one of it and ${variable}_FILE` }
  }
  if (path !== '') return withFile({ ...setting, source: 'file', from: `${variable}_FILE` }, '=', path)
  const fallback = row.fallback?.(place)
  if (fallback === undefined || fallback === '') return { ...setting, source: 'none' }
  return { ...setting, source: 'default', value: fallback }
}

function withValue({ kind }: SettingRow, found: FoundSetting, value: string): FoundSetting {
  if (found.secret) return found
  if (kind === 'address' && mayHoldPassword(value)) return { ...found, secret: true }
  return { ...found, value }
}

/** In front of a host, or behind a question mark. */
function mayHoldPassword(address: string): boolean {
  return /[@?]/.test(address)
}

async function withFile(
  found: FoundSetting & { readonly from: string },
  divider: string,
  path: string,
): Promise<FoundSetting> {
  const isThere = path === '-' || (await stat(path).catch(() => undefined))?.isDirectory() === false
  // Somebody may have put the secret itself where its file belongs.
  return isThere
    ? { ...found, from: `${found.from}${divider}${path}` }
    : { ...found, problem: 'a file that exists' }
}
