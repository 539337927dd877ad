import type { Algorithm } from '../../crypto/algorithm.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { spkiPem } from '../../crypto/pem.ts'
import type { NewVersion } from '../../keyring/rotation.ts'
import type { Instant } from '../../model/clock.ts'

export function describeMaterial(row: Algorithm, material: KeyMaterial, now: Instant): NewVersion {
  const der = row.publicKey?.(material)
  if (der === undefined) return { now }
  return { now, publicKey: spkiPem(der) }
}
