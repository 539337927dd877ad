import { algorithmFor } from '../../crypto/algorithms.ts'
import type { Algorithm } from '../../crypto/algorithm.ts'
import { isAlgorithmName, isKeyPurpose, type KeyPurpose } from '../../model/algorithm-name.ts'
import type { CreateKeyRequest, KeyLabelsView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_TAGS, MAX_TEXT_CHARACTERS } from '../../model/limits.ts'
import { isSecurityLevel, type KeyLabels } from '../../model/key.ts'

const NO_LABELS: KeyLabels = {
  description: '',
  owner: '',
  environment: '',
  securityLevel: 'medium',
  tags: {},
}

/** The row and purpose of a new key. Throws ALGORITHM_UNSUPPORTED, with what would be possible. */
export function chooseAlgorithm(request: CreateKeyRequest): { row: Algorithm; purpose: KeyPurpose } {
  const name = request.algorithm ?? 'aes256-gcm'
  const row = isAlgorithmName(name) ? algorithmFor(name) : undefined
  if (row === undefined || !row.generates) {
    throw new CoffreError('ALGORITHM_UNSUPPORTED', { facts: { at: 'algorithm' } })
  }
  return { row, purpose: choosePurpose(row, request.purpose) }
}

/** Throws ALGORITHM_UNSUPPORTED for a purpose that the algorithm does not serve. */
export function choosePurpose(row: Algorithm, asked: KeyPurpose | undefined): KeyPurpose {
  const purpose = asked ?? (row.purposes.length === 1 ? row.purposes[0] : undefined)
  if (purpose === undefined || !isKeyPurpose(purpose) || !row.purposes.includes(purpose)) {
    const facts = { at: 'purpose', expected: row.purposes.join(' or ') }
    throw new CoffreError('ALGORITHM_UNSUPPORTED', { facts })
  }
  return purpose
}

/** `changes` over `before`, checked. Throws INVALID_REQUEST. */
export function mergeLabels(changes: Partial<KeyLabelsView>, before: KeyLabels = NO_LABELS): KeyLabels {
  const labels: KeyLabels = {
    description: changes.description ?? before.description,
    owner: changes.owner ?? before.owner,
    environment: changes.environment ?? before.environment,
    securityLevel: changes.securityLevel ?? before.securityLevel,
    tags: changes.tags ?? before.tags,
  }
  for (const at of ['description', 'owner', 'environment'] as const) checkText(labels[at], at)
  if (!isSecurityLevel(labels.securityLevel)) refuse('securityLevel', 'low, medium, high or critical')
  const tags = Object.entries(readTags(labels.tags))
  if (tags.length > MAX_TAGS) refuse('tags', `at most ${MAX_TAGS}`)
  for (const [name, value] of tags) {
    if (name === '') refuse('tags', 'names of at least one character')
    checkText(name, 'tags')
    checkText(value, 'tags')
  }
  return labels
}

/** An array or a text has entries too, but would not be tags again when it is read back. */
function readTags(tags: unknown): object {
  const isObject = typeof tags === 'object' && tags !== null && !Array.isArray(tags)
  return isObject ? tags : refuse('tags', 'names with texts')
}

function checkText(value: unknown, at: string): void {
  // A lone surrogate would come back from the store as another character.
  if (typeof value !== 'string' || value.length > MAX_TEXT_CHARACTERS || !value.isWellFormed()) {
    refuse(at, `well-formed text of at most ${MAX_TEXT_CHARACTERS} characters`)
  }
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}
