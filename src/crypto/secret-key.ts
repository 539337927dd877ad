import { utf8 } from './bytes.ts'
import { KeyMaterial } from './key-material.ts'

/** A secret that an application has as text: its UTF-8 bytes, as they are. */
export function secretKeyMaterial(text: string): KeyMaterial {
  const bytes = utf8(text)
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}
