import type { KeyLabelsView } from '../../model/coffre.ts'
import { SECURITY_LEVELS } from '../../model/key.ts'
import type { OptionRow } from '../command-row.ts'
import type { OptionReader } from '../line/option-reader.ts'

export const LABEL_OPTIONS: readonly OptionRow[] = [
  { flags: '--description <text>', help: 'option.description' },
  { flags: '--owner <text>', help: 'option.owner' },
  { flags: '--environment <text>', help: 'option.environment' },
  { flags: '--security-level <level>', help: 'option.securityLevel', choices: SECURITY_LEVELS },
  { flags: '--tag <name=value>', help: 'option.tag', repeats: true },
]

export function readLabels(options: OptionReader): Partial<KeyLabelsView> {
  const texts = ['description', 'owner', 'environment'].flatMap((name) => {
    const text = options.text(name)
    return text === undefined ? [] : [[name, text]]
  })
  const securityLevel = options.choice('security-level', SECURITY_LEVELS)
  const tags = options.flag('clear-tags') ? {} : options.pairs('tag')
  return {
    ...Object.fromEntries(texts),
    ...(securityLevel === undefined ? {} : { securityLevel }),
    ...(tags === undefined ? {} : { tags }),
  }
}
