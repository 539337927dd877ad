import type { AlgorithmName, KeyPurpose } from './algorithm-name.ts'
import type {
  ExportedKey,
  ExportKeyRequest,
  ImportKeyRequest,
  ImportParams,
  KeyMaterialInput,
} from './coffre-transfer.ts'
import type { KeyStateName } from './key-state.ts'
import type { SecurityLevel } from './key.ts'

export interface Keys {
  create(request: CreateKeyRequest): Promise<KeyView>
  /** Ordered by name; at most 100 unless `limit` says otherwise (1 to 1,000). */
  list(query?: ListQuery): Promise<readonly KeyView[]>
  get(name: string): Promise<KeyView>
  update(name: string, labels: Partial<KeyLabelsView>): Promise<KeyView>
  /** Makes the prepared version current, or adds one and makes it current. */
  rotate(name: string): Promise<KeyView>
  /** Adds the version that the next `rotate` makes current, so that others know its public key before. */
  prepare(name: string): Promise<KeyView>
  /** A key pair to wrap keys under that are to be imported. The token serves once, for 24 hours. */
  importParams(): Promise<ImportParams>
  importKey(request: ImportKeyRequest): Promise<KeyView>
  /** As `rotate`, with material from elsewhere. */
  importVersion(name: string, material: KeyMaterialInput): Promise<KeyView>
  /** Only a key that was made exportable, and only wrapped. */
  exportKey(name: string, request: ExportKeyRequest): Promise<ExportedKey>
  /** Makes an older, still valid version current again; the newest such one when `version` is absent. */
  rollback(name: string, options?: VersionOption): Promise<KeyView>
  /** One version, or every version that is in use. */
  suspend(name: string, options?: VersionOption): Promise<KeyView>
  resume(name: string, options?: VersionOption): Promise<KeyView>
  /** One version, or the current one: it protects nothing new and still reads. */
  deactivate(name: string, options?: VersionOption): Promise<KeyView>
  compromise(name: string, options?: VersionOption): Promise<KeyView>
  /** The lowest version that still decrypts and verifies. It can be lowered again. */
  setFloor(name: string, version: number): Promise<KeyView>
  /** Destroys one version that is below the floor, for good. */
  destroy(name: string, options: { readonly version: number }): Promise<KeyView>
  /** The whole key stops now and is destroyed after `days` (7 to 30). */
  scheduleDestroy(name: string, options?: { readonly days?: number }): Promise<KeyView>
  cancelDestroy(name: string): Promise<KeyView>
}

export interface VersionOption {
  readonly version?: number
}

export interface ListQuery {
  readonly after?: string
  readonly limit?: number
}

export interface KeyLabelsView {
  readonly description: string
  readonly owner: string
  readonly environment: string
  readonly securityLevel: SecurityLevel
  readonly tags: Readonly<Record<string, string>>
}

export interface CreateKeyRequest extends Partial<KeyLabelsView> {
  readonly name: string
  /** `aes256-gcm` when absent. */
  readonly algorithm?: AlgorithmName
  /** Needed only where the algorithm serves several. */
  readonly purpose?: KeyPurpose
  /** Whether it may leave, wrapped. Never turned on later. */
  readonly exportable?: boolean
}

export interface KeyVersionView {
  readonly version: number
  readonly state: KeyStateName
  readonly since: string
  readonly createdAt: string
  readonly origin: 'generated' | 'imported'
  /** SPKI PEM. */
  readonly publicKey?: string
}

export interface KeyView extends KeyLabelsView {
  readonly id: string
  readonly name: string
  readonly algorithm: AlgorithmName
  readonly purpose: KeyPurpose
  readonly createdAt: string
  readonly updatedAt: string
  /** Absent while no version is active. */
  readonly currentVersion?: number
  readonly floor: number
  /** Whether it may leave, wrapped. */
  readonly exportable: boolean
  readonly destroyAt?: string
  readonly versions: readonly KeyVersionView[]
}
