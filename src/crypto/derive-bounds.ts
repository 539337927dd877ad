import { CoffreError } from '../model/errors.ts'
import type {
  Argon2idParameters,
  DeriveDigest,
  HkdfParameters,
  Pbkdf2Parameters,
  ScryptParameters,
} from './derive-unchecked.ts'

export interface Bound {
  readonly minimum: number
  readonly maximum: number
}

/** One bound for each number that the parameters hold, salts and other bytes by their length. */
type BoundsOf<Parameters> = Readonly<Partial<Record<keyof Parameters, Bound>>>

const SALT: Bound = { minimum: 16, maximum: 1_024 } // NIST SP 800-132, section 5.1
/** A key or a password hash; more would let a caller multiply the work of PBKDF2. */
const LENGTH: Bound = { minimum: 16, maximum: 64 }

const DIGEST_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const

/** 255 blocks of the digest: RFC 5869, section 2.3. */
export function hkdfBounds(digest: DeriveDigest): BoundsOf<HkdfParameters> {
  const bytes = { minimum: 0, maximum: 1_024 }
  return { salt: bytes, info: bytes, length: { minimum: 16, maximum: 255 * DIGEST_BYTES[digest] } }
}

/** OWASP Password Storage Cheat Sheet; the ceiling is about five seconds of one core. */
export const PBKDF2_BOUNDS: BoundsOf<Pbkdf2Parameters> = {
  iterations: { minimum: 600_000, maximum: 10_000_000 },
  salt: SALT,
  length: LENGTH,
}

/** OWASP's first choice is the floor: 128 MiB. */
export const SCRYPT_BOUNDS: BoundsOf<ScryptParameters> = {
  costLog2: { minimum: 17, maximum: 20 },
  blockSize: { minimum: 8, maximum: 16 },
  parallelism: { minimum: 1, maximum: 4 },
  salt: SALT,
  length: LENGTH,
}

/** The floor is OWASP's (19 MiB, 2 passes, 1 lane). */
export const ARGON2ID_BOUNDS: BoundsOf<Argon2idParameters> = {
  memoryKib: { minimum: 19_456, maximum: 1_048_576 },
  passes: { minimum: 2, maximum: 10 },
  parallelism: { minimum: 1, maximum: 16 },
  salt: SALT,
  length: LENGTH,
}

/** Memory of one derivation, whatever the algorithm. */
const MAX_MEMORY_BYTES = 2 ** 30

/** A digest that escaped the type (a stored or posted name) throws ALGORITHM_UNSUPPORTED. */
export function checkDigest(digest: DeriveDigest): void {
  if (!Object.hasOwn(DIGEST_BYTES, digest)) throw new CoffreError('ALGORITHM_UNSUPPORTED')
}

/** Throws PARAMETERS_REFUSED with the first parameter outside its bound: `{ parameter, minimum, maximum }`. */
export function checkBounds<Parameters extends object>(
  parameters: Parameters,
  bounds: BoundsOf<Parameters>,
): void {
  const found = new Map<string, unknown>(Object.entries(parameters))
  for (const [parameter, bound] of Object.entries<Bound | undefined>(bounds)) {
    const value = found.get(parameter)
    const size = value instanceof Uint8Array ? value.length : value
    if (bound !== undefined && !isWithin(size, bound)) refuseParameter(parameter, bound)
  }
}

/** Large N and large r are each allowed, but not together. Throws PARAMETERS_REFUSED. */
export function checkScryptMemory(parameters: ScryptParameters): void {
  const bytes = 128 * 2 ** parameters.costLog2 * parameters.blockSize
  if (bytes > MAX_MEMORY_BYTES) refuseParameter('memoryBytes', { minimum: 0, maximum: MAX_MEMORY_BYTES })
}

function isWithin(value: unknown, bound: Bound): boolean {
  return (
    typeof value === 'number' && Number.isInteger(value) && value >= bound.minimum && value <= bound.maximum
  )
}

export function refuseParameter(parameter: string, bound: Bound): never {
  throw new CoffreError('PARAMETERS_REFUSED', {
    facts: { parameter, minimum: bound.minimum, maximum: bound.maximum },
  })
}
