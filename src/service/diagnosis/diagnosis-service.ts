import { algorithmFor } from '../../crypto/algorithms.ts'
import type { SealedMessage, VersionKey } from '../../crypto/algorithm.ts'
import { judgeHead } from '../../crypto/ciphertext.ts'
import { type CiphertextHeader, readTextHeader } from '../../crypto/ciphertext-header.ts'
import { readTokenTime } from '../../crypto/fernet.ts'
import type { Keyring } from '../../keyring/keyring.ts'
import { Refusal } from '../../keyring/refusal.ts'
import { findVersion } from '../../keyring/rotation.ts'
import { type Clock, SECOND } from '../../model/clock.ts'
import type { ContextPairs } from '../../model/coffre.ts'
import type { Diagnosis, DiagnosisRequest, Verdict } from '../../model/diagnosis.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { parseKeyName } from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import { MAX_CIPHERTEXT_CHARACTERS } from '../../model/limits.ts'
import type { ReadStore } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { readContext } from '../data/input.ts'
import type { KeyringCache } from '../keys/keyring-cache.ts'
import { Reach } from '../policy/reach.ts'
import { findForeignFormat } from './foreign-format.ts'

export interface DiagnosisParts {
  readonly store: ReadStore
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly cache: KeyringCache
}

/** Keys that are tried on a blob that names none. */
const MAX_TRIED_KEYS = 1_000
const FERNET_SKEW_SECONDS = 60

const NEXT: Readonly<Partial<Record<Verdict, string>>> = {
  decrypts: 'coffre decrypt',
  expired: 'make a new token: this one was too old for the TTL',
  'from-the-future': 'compare the clocks of the machine that made it and of this one',
  'unknown-key': 'coffre key list; a key of another Coffre, tenant or backup made it',
  'unknown-version': 'coffre key show KEY; restore a backup that has this version',
  'wrong-key': 'name the key that is shown here',
  'wrong-purpose': 'coffre key show KEY; this key is not for encryption',
  'destroyed-version': 'nothing opens it any more; restore the value from its own backup',
  'suspended-version': 'coffre key resume KEY',
  'below-floor': 'coffre key floor KEY VERSION, then coffre rewrap',
  'unusable-version': 'coffre key show KEY',
  'key-pending-destruction': 'coffre key cancel-destroy KEY',
  'wrong-context': 'coffre decrypt with the context that is shown here',
  'context-or-content':
    'compare --context with that of the encryption, then the length with that of the original',
  'content-or-key': 'compare it with its original; coffre key list for the Fernet keys there are',
  'changed-head': 'take the value from where it was stored first: its beginning was changed',
  truncated: 'take the value from where it was stored first: its end is missing',
  'unknown-format': 'coffre inspect',
}

/**
 * Why a blob does not decrypt, for those who run Coffre (docs/decision/0004-one-outer-error.md): needs
 * `data.diagnose`, which apps do not have, tells only of keys that the caller reaches, never shows a plaintext, and
 * every question leaves a record.
 */
export class DiagnosisService {
  readonly #parts: DiagnosisParts

  constructor(parts: DiagnosisParts) {
    this.#parts = parts
  }

  async diagnose(caller: Caller, request: DiagnosisRequest): Promise<Diagnosis> {
    await authorize(this.#parts.trail, caller, 'data.diagnose')
    if (request.blob.length > MAX_CIPHERTEXT_CHARACTERS) {
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'blob', maximum: MAX_CIPHERTEXT_CHARACTERS } })
    }
    const diagnosis = await this.#judge(new Reach(caller, 'data.decrypt'), request)
    const { principal, requestId } = caller
    const { verdict, key, version } = diagnosis
    await this.#parts.trail.commit({
      action: 'data.diagnose',
      principal,
      requestId,
      outcome: 'ok',
      ...(key === undefined ? {} : { key: parseKeyName(key) }),
      detail: { verdict, ...(version === undefined ? {} : { version }) },
    })
    return diagnosis
  }

  async #judge(reach: Reach, request: DiagnosisRequest): Promise<Diagnosis> {
    const blob = request.blob.trim()
    const foreign = findForeignFormat(blob)
    if (foreign !== undefined) return { ...foreign, facts: {} }
    const header = readTextHeader(blob)
    if (header !== undefined) return this.#judgeOurs(reach, { ...request, blob }, header)
    if (blob.startsWith('cof1')) return answer('truncated', 'coffre-ciphertext')
    const token = readTokenTime(blob)
    if (token !== undefined) return this.#judgeFernet(reach, { ...request, blob }, token.timestamp)
    if (blob.startsWith('gAAAAA')) return answer('truncated', 'fernet')
    return answer('unknown-format', 'unknown')
  }

  async #judgeOurs(reach: Reach, request: DiagnosisRequest, header: CiphertextHeader): Promise<Diagnosis> {
    const format = header.construction === 'message' ? 'coffre-ciphertext' : `coffre-${header.construction}`
    const { version } = header
    const key = await this.#parts.store.findKeyById(header.keyId)
    if (key === undefined || key.tenant !== reach.tenant || !reach.allows(key))
      return answer('unknown-key', format, { version })
    const named = { key: key.name, version }
    if (request.key !== undefined && request.key !== key.name) return answer('wrong-key', format, named)
    const state = judgeState(key, version)
    if (state !== undefined) return answer(state, format, named)
    if (header.construction === 'file') return answer('decrypts', format, named, 'coffre file decrypt')
    const keyring = await this.#parts.cache.findById(reach, header.keyId)
    const usable = keyring?.forReading(version, 'process')
    if (keyring === undefined || usable === undefined || usable instanceof Refusal)
      return answer('unusable-version', format, named)
    const { encryption } = algorithmFor(key.algorithm)
    if (encryption === undefined) return answer('wrong-purpose', format, named)
    const head = header.construction === 'message' ? judgeHead(usable, request.blob) : 'right-key'
    if (head !== 'right-key') return answer(head, format, named)
    return this.#judgeContent(usable, keyring, { reach, request, format })
  }

  #judgeContent(
    usable: VersionKey,
    keyring: Keyring,
    asked: { reach: Reach; request: DiagnosisRequest; format: string },
  ): Diagnosis {
    const { reach, request, format } = asked
    const named = { key: keyring.key.name, version: usable.version }
    const opens = (context: ContextPairs) =>
      opensUnder(keyring.key, usable, { ciphertext: request.blob, context: readContext(context) })
    const context = request.context ?? {}
    if (opens(context)) return answer('decrypts', format, named)
    // A policy that asks for a context admits the caller to that context alone.
    const variants = reach.requireKey(keyring.key).asksContext ? [] : variantsOf(context)
    const other = variants.find(({ pairs }) => opens(pairs))
    if (other !== undefined)
      return { ...answer('wrong-context', format, named), facts: { context: other.hint } }
    return answer('context-or-content', format, named)
  }

  /** A token names no key, so the keys of the caller are tried. */
  async #judgeFernet(reach: Reach, request: DiagnosisRequest, timestamp: number): Promise<Diagnosis> {
    const found = await this.#findFernetKey(reach, request)
    if (found === undefined) return answer('content-or-key', 'fernet')
    if (request.key !== undefined && request.key !== found.key) return answer('wrong-key', 'fernet', found)
    const now = Math.floor(this.#parts.clock() / SECOND)
    if (timestamp > now + FERNET_SKEW_SECONDS) return answer('from-the-future', 'fernet', found)
    const isOver = request.ttlSeconds !== undefined && timestamp + request.ttlSeconds < now
    const age = { ageSeconds: now - timestamp }
    return { ...answer(isOver ? 'expired' : 'decrypts', 'fernet', found), facts: age }
  }

  async #findFernetKey(
    reach: Reach,
    request: DiagnosisRequest,
  ): Promise<{ key: string; version: number } | undefined> {
    const keys = await this.#parts.store.listKeys({ tenant: reach.tenant, limit: MAX_TRIED_KEYS })
    for (const key of keys.filter((each) => each.algorithm === 'fernet' && reach.allows(each))) {
      const keyring = await this.#parts.cache.findById(reach, key.id).catch(forgive)
      const versions = keyring?.candidates('process')
      if (versions === undefined || versions instanceof Refusal) continue
      const message = { ciphertext: request.blob, context: {} }
      const usable = versions.find((each) => opensUnder(key, each, message))
      if (usable !== undefined) return { key: key.name, version: usable.version }
    }
    return undefined
  }
}

/** Whether it opens; what comes out is overwritten at once. */
function opensUnder(key: Key, version: VersionKey, message: SealedMessage): boolean {
  const [plaintext] = algorithmFor(key.algorithm).encryption?.openMany(version, [message]) ?? []
  plaintext?.fill(0)
  return plaintext !== undefined
}

function judgeState(key: Key, version: number): Verdict | undefined {
  if (!['encrypt', 'wrap'].includes(key.purpose)) return 'wrong-purpose'
  const found = findVersion(key, version)
  if (found === undefined) return 'unknown-version'
  if (found.state.name === 'destroyed') return 'destroyed-version'
  if (key.destroyAt !== undefined) return 'key-pending-destruction'
  if (found.state.name === 'suspended') return 'suspended-version'
  if (version < key.floor) return 'below-floor'
  return found.state.name === 'pre-activation' ? 'unusable-version' : undefined
}

/** Slips that people make with a context; a hint names no value. */
function variantsOf(
  context: ContextPairs,
): readonly { readonly pairs: ContextPairs; readonly hint: string }[] {
  const entries = Object.entries(context)
  const changed = (hint: string, change: (text: string) => string) => ({
    pairs: Object.fromEntries(entries.map(([name, value]) => [change(name), change(value)])),
    hint,
  })
  return [
    { pairs: {}, hint: 'none: it was made without a context' },
    changed('without white space around names and values', (text) => text.trim()),
    changed('in lower case', (text) => text.toLowerCase()),
    changed('in Unicode NFC', (text) => text.normalize('NFC')),
    ...entries.map(([left]) => ({
      pairs: Object.fromEntries(entries.filter(([name]) => name !== left)),
      hint: 'one pair fewer',
    })),
  ]
}

function answer(
  verdict: Verdict,
  format: string,
  named: { readonly key?: string; readonly version?: number } = {},
  next = NEXT[verdict] ?? 'coffre inspect',
): Diagnosis {
  const command = named.key === undefined ? next : next.replaceAll('KEY', named.key)
  return {
    verdict,
    format,
    ...named,
    next: named.version === undefined ? command : command.replace('VERSION', String(named.version)),
    facts: {},
  }
}

function forgive(error: unknown): undefined {
  if (hasCode(error, 'STORE_DAMAGED')) return undefined
  throw error
}
