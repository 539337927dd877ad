import type { Context, PlainMessage } from '../../crypto/algorithm.ts'
import { randomBytes } from '../../crypto/random.ts'
import type { KeyPurpose } from '../../model/algorithm-name.ts'
import type {
  DataKey,
  DataKeyRequest,
  Encrypted,
  EncryptRequest,
  Maced,
  MacRequest,
  RandomBytes,
  RandomRequest,
  Signed,
  SignRequest,
} from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_BATCH_RANDOM_BYTES, MAX_RANDOM_BYTES } from '../../model/limits.ts'
import { Batch } from './batch.ts'
import type { DataKeys, UsableVersion } from './data-keys.ts'
import { readContext, readLength, readMessage, readPlaintext } from './input.ts'
import { Turn } from './turn.ts'
import { type Reach, requireContext } from '../policy/reach.ts'

const DATA_KEY_BOUND = { minimum: 16, maximum: 64 }
const RANDOM_BOUND = { minimum: 1, maximum: MAX_RANDOM_BYTES }

interface Member<Input> {
  readonly index: number
  readonly input: Input
}

interface Protection<Input, Result> {
  readonly purposes: readonly KeyPurpose[]
  /** Where the operation binds one. */
  readonly contextOf?: (input: Input) => Context
  /** Gives every member its outcome; synchronous, see `DataKeys.forProtecting`. */
  run(usable: UsableVersion, members: readonly Member<Input>[], batch: Batch<Result>): void
}

/** The operations that make something new under the current version of a key. */
export class Protect {
  readonly #keys: DataKeys

  constructor(keys: DataKeys) {
    this.#keys = keys
  }

  /** `purposes`: a rewrap under the same key also takes one that wraps. */
  encrypt(
    reach: Reach,
    items: readonly EncryptRequest[],
    purposes: readonly KeyPurpose[] = ['encrypt'],
  ): Promise<Batch<Encrypted>> {
    const read = (item: EncryptRequest): PlainMessage => ({
      plaintext: readPlaintext(item.plaintext),
      context: readContext(item.context),
    })
    return this.#byKey(reach, items, { read, purposes, contextOf, run: runEncrypt })
  }

  sign(reach: Reach, items: readonly SignRequest[]): Promise<Batch<Signed>> {
    const read = (item: SignRequest) => readMessage(item.message)
    return this.#byKey(reach, items, { read, purposes: ['sign'], run: runSign })
  }

  mac(reach: Reach, items: readonly MacRequest[]): Promise<Batch<Maced>> {
    const read = (item: MacRequest) => readMessage(item.message)
    return this.#byKey(reach, items, { read, purposes: ['mac'], run: runMac })
  }

  dataKey(reach: Reach, items: readonly DataKeyRequest[]): Promise<Batch<DataKey>> {
    return this.#byKey(reach, items, {
      read: readDataKeyRequest,
      purposes: ['encrypt', 'wrap'],
      contextOf,
      run: runDataKey,
    })
  }

  /** Uses no key. */
  random(items: readonly RandomRequest[]): Batch<RandomBytes> {
    const batch = new Batch<RandomBytes>(items.length)
    let left = MAX_BATCH_RANDOM_BYTES
    for (const [index, item] of items.entries()) {
      batch.attempt(index, () => {
        const length = readLength(item.bytes, RANDOM_BOUND)
        if (length > left) {
          const facts = { at: 'bytes of the batch', maximum: MAX_BATCH_RANDOM_BYTES }
          throw new CoffreError('LIMIT_EXCEEDED', { facts })
        }
        left -= length
        batch.succeed(index, { bytes: randomBytes(length) })
      })
    }
    return batch
  }

  /** Items under one key, a slice at a time, share one look-up, one reservation and one pass of the algorithm. */
  async #byKey<Item extends { readonly key: string }, Input, Result>(
    reach: Reach,
    items: readonly Item[],
    work: Protection<Input, Result> & { read(item: Item): Input },
  ): Promise<Batch<Result>> {
    const batch = new Batch<Result>(items.length)
    const groups = new Map<string, Member<Input>[]>()
    for (const [index, item] of items.entries()) {
      batch.attempt(index, () => {
        const member = { index, input: work.read(item) }
        const group = groups.get(item.key)
        if (group === undefined) groups.set(item.key, [member])
        else group.push(member)
      })
    }
    const turn = new Turn()
    for (const [name, group] of groups) {
      for await (const members of turn.slices(group)) {
        await this.#oneKey(reach, { name, members, work, batch })
      }
    }
    return batch
  }

  async #oneKey<Input, Result>(
    reach: Reach,
    group: {
      readonly name: string
      readonly members: readonly Member<Input>[]
      readonly work: Protection<Input, Result>
      readonly batch: Batch<Result>
    },
  ): Promise<void> {
    const { name, members, work, batch } = group
    try {
      const wanted = { purposes: work.purposes, count: members.length }
      const usable = await this.#keys.forProtecting(reach, name, wanted)
      const admitted = admit(usable, members, work, batch)
      work.run(usable, admitted, batch)
      for (const _ of admitted) batch.countUse(usable.key, usable.version)
    } catch (error) {
      if (!(error instanceof CoffreError)) throw error
      for (const { index } of members) batch.fail(index, error)
    }
  }
}

function contextOf(input: PlainMessage): Context {
  return input.context
}

/** The members whose context the caller's policies allow; the others fail. */
function admit<Input, Result>(
  usable: UsableVersion,
  members: readonly Member<Input>[],
  work: Protection<Input, Result>,
  batch: Batch<Result>,
): readonly Member<Input>[] {
  if (!usable.allowed.asksContext) return members
  for (const { index, input } of members) {
    batch.attempt(index, () => requireContext(usable.allowed, work.contextOf?.(input) ?? {}))
  }
  return members.filter(({ index }) => batch.isOpen(index))
}

function runEncrypt(
  usable: UsableVersion,
  members: readonly Member<PlainMessage>[],
  batch: Batch<Encrypted>,
): void {
  const named = { key: usable.key.name, version: usable.version.version }
  sealEach(usable, members, (index, ciphertext) => batch.succeed(index, { ciphertext, ...named }), batch)
}

function runSign(usable: UsableVersion, members: readonly Member<Uint8Array>[], batch: Batch<Signed>): void {
  const { key, row, version } = usable
  const signing = row.signing ?? unsupported()
  for (const { index, input } of members) {
    const signature = signing.sign(version.material, input)
    batch.succeed(index, { signature, key: key.name, version: version.version })
  }
}

function runMac(usable: UsableVersion, members: readonly Member<Uint8Array>[], batch: Batch<Maced>): void {
  const { key, row, version } = usable
  const algorithm = row.mac ?? unsupported()
  for (const { index, input } of members) {
    const mac = algorithm.mac(version.material, input)
    batch.succeed(index, { mac, key: key.name, version: version.version })
  }
}

interface DataKeyInput extends PlainMessage {
  readonly withPlaintext: boolean
}

function readDataKeyRequest(item: DataKeyRequest): DataKeyInput {
  const length = readLength(item.bytes, DATA_KEY_BOUND)
  return {
    plaintext: randomBytes(length),
    context: readContext(item.context),
    withPlaintext: item.withPlaintext ?? true,
  }
}

function runDataKey(
  usable: UsableVersion,
  members: readonly Member<DataKeyInput>[],
  batch: Batch<DataKey>,
): void {
  const named = { key: usable.key.name, version: usable.version.version }
  const inputs = new Map(members.map(({ index, input }) => [index, input]))
  const give = (index: number, ciphertext: string) => {
    const input = inputs.get(index)
    if (input?.withPlaintext === true) {
      batch.succeed(index, { ciphertext, plaintext: input.plaintext, ...named })
      return
    }
    input?.plaintext.fill(0)
    batch.succeed(index, { ciphertext, ...named })
  }
  sealEach(usable, members, give, batch)
}

/** One pass for all; where an item is not acceptable to the algorithm, one by one, so that only it fails. */
function sealEach(
  usable: UsableVersion,
  members: readonly Member<PlainMessage>[],
  give: (index: number, ciphertext: string) => void,
  batch: Batch<unknown>,
): void {
  const encryption = usable.row.encryption ?? unsupported()
  const seal = (some: readonly Member<PlainMessage>[]) => {
    const texts = encryption.sealMany(
      usable.version,
      some.map(({ input }) => input),
    )
    for (const [offset, { index }] of some.entries()) give(index, texts[offset] ?? '')
  }
  try {
    seal(members)
  } catch (error) {
    if (!(error instanceof CoffreError)) throw error
    for (const member of members) batch.attempt(member.index, () => seal([member]))
  }
}

function unsupported(): never {
  throw new CoffreError('ALGORITHM_UNSUPPORTED')
}
