import type { Algorithm } from '../../crypto/algorithm.ts'
import { algorithmFor } from '../../crypto/algorithms.ts'
import { sealEncryptedPkcs8 } from '../../crypto/encrypted-pkcs8.ts'
import { importMaterial } from '../../crypto/key-formats.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { wrapForRecipient } from '../../crypto/key-transport.ts'
import { sharesPrime } from '../../crypto/rsa-rules.ts'
import { Refusal } from '../../keyring/refusal.ts'
import { currentVersion, firstVersion, newKey, rotateKey } from '../../keyring/rotation.ts'
import { isAlgorithmName } from '../../model/algorithm-name.ts'
import type { KeyView } from '../../model/coffre.ts'
import type {
  ExportedKey,
  ExportKeyRequest,
  ExportTarget,
  ImportKeyRequest,
  ImportParams,
  KeyMaterialInput,
} from '../../model/coffre-transfer.ts'
import { CoffreError } from '../../model/errors.ts'
import { type KeyId, type KeyName, parseKeyName, parseKeyId } from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import { randomUuid } from '../../crypto/random.ts'
import type { Caller } from '../caller.ts'
import type { DataKeys } from '../data/data-keys.ts'
import { Reach } from '../policy/reach.ts'
import { describeMaterial } from './describe-material.ts'
import { makeImportToken, openImportToken } from './import-token.ts'
import { KeyChanges, type KeyChangesParts } from './key-changes.ts'
import { choosePurpose, mergeLabels } from './key-request.ts'
import { viewKey } from './key-view.ts'

export interface KeyTransferParts extends KeyChangesParts {
  readonly dataKeys: DataKeys
}

/** What came in, and the id that its token keeps for it: a second key of the token would have the same. */
interface Opened {
  readonly material: KeyMaterial
  readonly keyId?: KeyId
}

const LIST_PAGE = 1_000

/** Keys that come from elsewhere, and keys that leave (docs/en/import-export.md). */
export class KeyTransfer {
  readonly #parts: KeyTransferParts
  readonly #changes: KeyChanges

  constructor(parts: KeyTransferParts) {
    this.#parts = parts
    this.#changes = new KeyChanges(parts)
  }

  importParams(caller: Caller): Promise<ImportParams> {
    return this.#changes.recordingRefusals(caller, { action: 'key.import-params', name: '' }, async () => {
      const { vault, clock, trail } = this.#parts
      const params = await makeImportToken(vault, caller.principal.tenant, clock())
      const { principal, requestId } = caller
      await trail.commit({ action: 'key.import-params', principal, requestId, outcome: 'ok' })
      return params
    })
  }

  importKey(caller: Caller, request: ImportKeyRequest): Promise<KeyView> {
    return this.#changes.recordingRefusals(caller, { action: 'key.import', name: request.name }, async () => {
      const name = parseKeyName(request.name)
      const row = rowOf(request.algorithm)
      const purpose = choosePurpose(row, request.purpose)
      const labels = mergeLabels(request)
      new Reach(caller, 'key.create').requireNew({ name, labels })
      const { material, keyId } = await this.#open(caller, row, request.material)
      const now = this.#parts.clock()
      const first = firstVersion({ ...describeMaterial(row, material, now), origin: 'imported' })
      await this.#refuseSharedPrime(caller, first.publicKey)
      const key = newKey({
        id: keyId ?? parseKeyId(randomUuid()),
        tenant: caller.principal.tenant,
        name,
        algorithm: row.name,
        purpose,
        labels,
        exportable: request.exportable === true,
        now,
        first,
      })
      await this.#changes.insert(caller, key, { ...first, material, action: 'key.import' })
      return viewKey(key)
    })
  }

  importVersion(caller: Caller, name: string, input: KeyMaterialInput): Promise<KeyView> {
    return this.#changes.recordingRefusals(caller, { action: 'key.import-version', name }, async () => {
      const reach = new Reach(caller, 'key.rotate')
      const keyring = await this.#parts.cache.findByName(reach, parseKeyName(name))
      reach.requireKey(keyring.key)
      const row = algorithmFor(keyring.key.algorithm)
      const { material } = await this.#open(caller, row, input)
      // One material under two numbers would make a rotation that changes nothing; so also a token serves once.
      const isKnown = keyring.key.versions.some((each) => keyring.materialOf(each.version)?.equals(material))
      if (isKnown) throw new CoffreError('KEY_REFUSED', { facts: { rule: 'known-version' } })
      const described = describeMaterial(row, material, this.#parts.clock())
      await this.#refuseSharedPrime(caller, described.publicKey)
      const after = await this.#changes.apply(caller, keyring.key.name, {
        action: 'key.import-version',
        decide: (before, now) => rotateKey(before, { ...described, now, origin: 'imported' }),
        material,
      })
      return viewKey(after)
    })
  }

  exportKey(caller: Caller, name: string, request: ExportKeyRequest): Promise<ExportedKey> {
    return this.#changes.recordingRefusals(caller, { action: 'key.export', name }, async () => {
      const reach = new Reach(caller, 'key.export')
      const keyring = await this.#parts.cache.findByName(reach, parseKeyName(name))
      const { key } = keyring
      reach.requireKey(key)
      if (key.exportable !== true) throw new CoffreError('NOT_EXPORTABLE')
      const number = request.version ?? currentVersion(key)?.version
      const version = number === undefined ? keyring.forProtecting() : keyring.forReading(number, 'process')
      if (version instanceof Refusal) throw new CoffreError(version.code, { facts: version.facts })
      const wrapped = await this.#wrap(caller, key, version.material, request.target)
      await this.#recordExport(caller, key, { version: version.version, target: request.target.kind })
      return { key: key.name, version: version.version, wrapped }
    })
  }

  async #open(caller: Caller, row: Algorithm, input: KeyMaterialInput): Promise<Opened> {
    if (input.format === 'transported') {
      const { vault, clock } = this.#parts
      const opened = openImportToken(vault, { tenant: caller.principal.tenant, now: clock(), ...input })
      return { material: checked(row, opened.material), keyId: opened.keyId }
    }
    if (input.format === 'wrapped') {
      const { version, row: wrapper } = await this.#wrappingKey(caller, input.wrappingKey, 'data.decrypt')
      const inner = wrapper.wrapping?.unwrap(version.material, input.bytes)
      if (inner === undefined) throw new CoffreError('DECRYPTION_FAILED')
      return { material: checked(row, inner) }
    }
    const { format, bytes, passphrase } = input
    const secret = passphrase === undefined ? {} : { passphrase: Buffer.from(passphrase.reveal()) }
    return { material: importMaterial(row, { format, bytes, ...secret }) }
  }

  async #wrap(caller: Caller, key: Key, inner: KeyMaterial, target: ExportTarget): Promise<Uint8Array> {
    if (target.kind === 'recipient') {
      return wrapForRecipient(target.publicKey, inner, target.transport ?? 'rsa-aes-key-wrap')
    }
    if (target.kind === 'passphrase') {
      if (algorithmFor(key.algorithm).publicKey === undefined) {
        throw new CoffreError('INVALID_REQUEST', { facts: { at: 'target', expected: 'a key pair' } })
      }
      return sealEncryptedPkcs8(inner, Buffer.from(requireLong(target.passphrase.reveal())))
    }
    const { version, row } = await this.#wrappingKey(caller, target.wrappingKey, 'data.encrypt')
    if (row.wrapping === undefined) throw new Error('unreachable: a key that wraps has the capability')
    return row.wrapping.wrap(version.material, inner)
  }

  #wrappingKey(caller: Caller, name: string, operation: 'data.encrypt' | 'data.decrypt') {
    const reach = new Reach(caller, operation)
    return this.#parts.dataKeys.forProtecting(reach, name, { purposes: ['wrap'], count: 1 })
  }

  async #refuseSharedPrime(caller: Caller, publicKey: string | undefined): Promise<void> {
    if (publicKey === undefined) return
    const { tenant } = caller.principal
    let after: KeyName | undefined
    for (;;) {
      const page = await this.#parts.store.listKeys({
        tenant,
        limit: LIST_PAGE,
        ...(after === undefined ? {} : { after }),
      })
      const others = page
        .filter(({ algorithm }) => algorithm.startsWith('rsa-'))
        .flatMap(({ versions }) => versions.flatMap((each) => each.publicKey ?? []))
      if (sharesPrime(publicKey, others)) {
        throw new CoffreError('KEY_REFUSED', { facts: { rule: 'rsa-shared-prime' } })
      }
      after = page.at(-1)?.name
      if (page.length < LIST_PAGE) return
    }
  }

  async #recordExport(
    caller: Caller,
    key: Key,
    what: { readonly version: number; readonly target: string },
  ): Promise<void> {
    const { principal, requestId } = caller
    await this.#parts.trail.commit({
      action: 'key.export',
      principal,
      requestId,
      outcome: 'ok',
      key: key.name,
      keyId: key.id,
      version: what.version,
      detail: { target: what.target },
    })
  }
}

/** A passphrase guards the key wherever the file goes, against who has all the time there is. */
const MIN_PASSPHRASE_CHARACTERS = 12

function requireLong(passphrase: string): string {
  if (passphrase.length >= MIN_PASSPHRASE_CHARACTERS) return passphrase
  const facts = { at: 'passphrase', expected: `at least ${MIN_PASSPHRASE_CHARACTERS} characters` }
  throw new CoffreError('INVALID_REQUEST', { facts })
}

function rowOf(name: string): Algorithm {
  if (isAlgorithmName(name)) return algorithmFor(name)
  throw new CoffreError('ALGORITHM_UNSUPPORTED', { facts: { at: 'algorithm' } })
}

function checked(row: Algorithm, material: KeyMaterial): KeyMaterial {
  try {
    row.check(material)
    return material
  } catch (error) {
    material.wipe()
    throw error
  }
}
