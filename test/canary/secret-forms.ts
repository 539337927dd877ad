import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { writeSealKeyText } from '../../src/seal/seal-key-text.ts'
import { formatShare, formatShareWords } from '../../src/seal/shamir/share-text.ts'
import { memorySeal } from '../core-over.ts'
import type { Canaries } from './canary.ts'

type Form = (canaries: Canaries) => Promise<string> | string

/** Every form in which a secret comes to a command: valid ones, which a parser takes apart and may quote. */
const FORMS: readonly Form[] = [
  (canaries) => canaries.make(),
  (canaries) => canaries.addText(formatShare(makeShare()).reveal()),
  (canaries) => canaries.addText(formatShareWords(makeShare()).reveal()),
  async (canaries) => canaries.addText((await writeSealKeyText(memorySeal())).text.reveal()),
  async (canaries) => canaries.addText((await writeSealKeyText(memorySeal())).words.reveal()),
  (canaries) => canaries.addText(randomBytes(32).toString('hex')),
  makeJwt,
  makePem,
  (canaries) => JSON.stringify(makeJwk(canaries)),
  (canaries) => `cfi1.01234567-89ab-4cde-8f01-23456789abcd.1.${canaries.addText(makeBase64url(500))}`,
]

/** One form after the other. */
export class SecretForms {
  readonly #canaries: Canaries
  #made = 0

  constructor(canaries: Canaries) {
    this.#canaries = canaries
  }

  get made(): number {
    return this.#made
  }

  async make(): Promise<string> {
    const form = FORMS[this.#made % FORMS.length]
    this.#made += 1
    return (await form?.(this.#canaries)) ?? ''
  }
}

function makeShare() {
  const value = new KeyMaterial(randomBytes(32))
  const setId = randomBytes(4).toString('hex')
  return { setId, threshold: 2, count: 3, number: 1, point: 9, value }
}

function makeJwt(canaries: Canaries): string {
  const header = Buffer.from('{"alg":"EdDSA"}').toString('base64url')
  return `${header}.${canaries.addText(makeBase64url(120))}.${canaries.addText(makeBase64url(64))}`
}

function makePem(canaries: Canaries): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  canaries.add(seedOf(privateKey.export({ format: 'jwk' }).d))
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function makeJwk(canaries: Canaries): object {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  canaries.add(seedOf(jwk.d))
  return jwk
}

function seedOf(text: string | undefined): Buffer {
  return Buffer.from(text ?? '', 'base64url')
}

function makeBase64url(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
