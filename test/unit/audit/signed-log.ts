import { AuditLog } from '../../../src/audit/audit-log.ts'
import type { CheckpointCopy } from '../../../src/audit/checkpoint/checkpoint-copy.ts'
import { Checkpointer, type CheckpointSigner } from '../../../src/audit/checkpoint/checkpointer.ts'
import type { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { exportPublicKey } from '../../../src/crypto/key-object.ts'
import { generateEd25519 } from '../../../src/crypto/key-pair.ts'
import { spkiPem } from '../../../src/crypto/pem.ts'
import { checkpointSigner } from '../../../src/crypto/transparency/checkpoint.ts'
import { formatVerifierKey, verifierKeyOf } from '../../../src/crypto/transparency/signed-note.ts'
import { firstVersion } from '../../../src/keyring/rotation.ts'
import { AUDIT_KEY_NAME, SYSTEM_TENANT } from '../../../src/model/ids.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../../src/store/store.ts'
import { NOW, SAMPLE_EVENT, sampleKey, storeKey } from '../../conformance/store/sample.ts'
import { makeMemoryFolder, type Scope } from '../../temporary.ts'

/** A copy of the checkpoints that a test reads and changes. */
export class MemoryCopy implements CheckpointCopy {
  readonly place = 'memory'
  text: string | undefined
  fails = false

  async read(): Promise<string | undefined> {
    if (this.fails) throw new Error('the disk does not answer')
    return this.text
  }

  async write(text: string): Promise<void> {
    if (this.fails) throw new Error('the disk does not answer')
    this.text = text
  }
}

/** Somebody who signs checkpoints, and the text by which a reader knows them. */
export interface Signing {
  readonly signer: CheckpointSigner
  readonly verifierKey: string
}

export function signingAs(origin: string, material: KeyMaterial): Signing {
  const sign = checkpointSigner(material)
  return {
    signer: { origin, sign: async (checkpoint) => sign(checkpoint) },
    verifierKey: formatVerifierKey(verifierKeyOf(origin, exportPublicKey(material))),
  }
}

export interface SignedLog extends Signing {
  readonly store: Store
  readonly folder: string
}

/** A store with a log of so many records and with a signing key, but without a checkpoint yet. */
export async function makeLog(scope: Scope, records: number): Promise<SignedLog> {
  const folder = makeMemoryFolder(scope)
  const store = await openSqliteStore({ folder })
  scope.after(() => store.close())
  const material = await generateEd25519()
  const first = firstVersion({ now: NOW, publicKey: spkiPem(exportPublicKey(material)) })
  const key = await storeKey(
    store,
    sampleKey({
      tenant: SYSTEM_TENANT,
      name: AUDIT_KEY_NAME,
      algorithm: 'ed25519',
      purpose: 'sign',
      versions: [first],
    }),
  )
  if (records > 0) await append(store, records)
  return { store, folder, ...signingAs(`coffre/${key.id}`, material) }
}

export async function append(store: Store, records: number): Promise<void> {
  const log = new AuditLog({ store, clock: () => NOW })
  const events = Array.from({ length: records }, () => SAMPLE_EVENT)
  await store.transaction((tx) => log.append(tx, events))
}

/** Signs the log as it is now and answers the note. */
export async function writeCheckpoint(log: SignedLog, copy?: CheckpointCopy): Promise<string> {
  const checkpointer = new Checkpointer({ store: log.store, ...(copy === undefined ? {} : { copy }) })
  return (await checkpointer.write(log.signer)).note
}

export async function readBodies(store: Store): Promise<readonly string[]> {
  return (await store.readAuditRecords(0, 10_000)).map(({ body }) => body)
}
