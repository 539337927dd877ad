import { isPublished } from '../../../crypto/published-keys.ts'

export interface ScanRule {
  readonly id: string
  /** The group `value` is what counts as the secret. */
  readonly pattern: RegExp
  /** Judged by what it holds, too: a variable or a placeholder is no secret. */
  readonly isAssignment?: true
}

const NAME = String.raw`(?<name>[A-Za-z0-9_.-]*(?:secret[_-]?key|secretkey|api[_-]?key|apikey|jwt[_-]?secret|client[_-]?secret|encryption[_-]?key|fernet[_-]?key|signing[_-]?key|session[_-]?secret|password|passwd|auth[_-]?token|access[_-]?token))`

/** In the order in which they are tried; a place counts once. */
export const SCAN_RULES: readonly ScanRule[] = [
  { id: 'private-key', pattern: /-----BEGIN (?<value>(?:[A-Z0-9]+ )*PRIVATE KEY)-----/g },
  { id: 'coffre-token', pattern: /(?<value>coffre_[a-z0-9]{8,12}_[A-Za-z0-9]{30,})/g },
  { id: 'aws-access-key', pattern: /(?<![A-Za-z0-9])(?<value>(?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])/g },
  { id: 'github-token', pattern: /(?<value>gh[pousr]_[A-Za-z0-9]{36,255})/g },
  { id: 'slack-token', pattern: /(?<value>xox[abprs]-[A-Za-z0-9-]{10,})/g },
  { id: 'stripe-key', pattern: /(?<value>(?:sk|rk)_live_[A-Za-z0-9]{16,})/g },
  { id: 'openai-key', pattern: /(?<![A-Za-z0-9])(?<value>sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,})/g },
  {
    // py, ts, js, toml, yaml, compose, json: NAME = "value", NAME: "value", "NAME": "value", - NAME='value'
    id: 'hard-coded-secret',
    pattern: new RegExp(
      `${NAME}["']?\\s*(?::\\s*[A-Za-z]+\\s*)?(?:=|:|=>)\\s*(?:[bru]?)["'\`](?<value>[^"'\`\\n]{1,512})["'\`]`,
      'gi',
    ),
    isAssignment: true,
  },
  {
    // yaml, compose, env, shell: NAME: value, NAME=value, ENV NAME value
    id: 'hard-coded-secret',
    pattern: new RegExp(
      `^[ \\t]*(?:-[ \\t]+|export[ \\t]+|ENV[ \\t]+)?${NAME}[ \\t]*(?::[ \\t]+|=)(?<value>[^\\s"'\`#][^\\s#]{0,511})`,
      'gim',
    ),
    isAssignment: true,
  },
]

/** A reference, a call or a placeholder, not a value. */
const HARMLESS =
  /^\$|\$\{|\{\{|^%|^<.*>$|^process\.env|^os\.|^env\(|^st\.secrets|^config[.[]|^settings\.|^secrets\.|^!|\(|^(?:null|none|true|false|undefined|string|str|bytes)\b|^coffre:v1:|^file:|^\/|^\.{3}$|^[x*]+$|^https?:\/\/[^@]*$/i
const MIN_VALUE_CHARACTERS = 8
const MIN_DISTINCT = 5

export function isSecretValue(value: string): boolean {
  if (isPublished(value)) return true
  return value.length >= MIN_VALUE_CHARACTERS && new Set(value).size >= MIN_DISTINCT && !HARMLESS.test(value)
}
