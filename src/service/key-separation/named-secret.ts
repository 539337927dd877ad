import type { Secret } from '../../model/secret.ts'

/** A secret and what it is called: the setting that holds it. Errors and findings say the name alone. */
export interface NamedSecret {
  readonly name: string
  readonly value: Secret | Secret<Uint8Array>
}
