import { parseBase64url } from '../../../crypto/bytes.ts'
import { randomBytes } from '../../../crypto/random.ts'
import { FILE_KEY_BYTES, openValue, sealValue } from '../../../crypto/value-seal.ts'
import { CoffreError } from '../../../model/errors.ts'
import { findEntries, lineEnding } from '../file/dotenv-text.ts'
import { naming } from '../change/folder.ts'
import type { Form } from '../file/reader.ts'
import { readToml, scanToml } from '../file/toml-text.ts'
import { damaged, type FileKeyHolder } from './file-key.ts'

/** docs/spec/secret-file.md. */
const HEAD = '# coffre-secret-file v1'
const SLOT = '# coffre-slot '
const VALUE = /^"?coffre:v1:([A-Za-z0-9_-]+)"?$/
const MAX_SLOTS = 16

export interface SecretText {
  /** The file's name without `.enc`: its values open under no other. */
  readonly file: string
  readonly form: Form
  readonly text: string
}

interface Value {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** An encrypted text that was opened: what `seal` needs to keep unchanged values as they are. */
export interface OpenedText {
  readonly text: string
  readonly fileKey: Uint8Array
  readonly slots: readonly string[]
  /** Encrypted by name, and what each holds. */
  readonly values: ReadonlyMap<string, { readonly sealed: string; readonly plain: string }>
}

/** Every value encrypted, names and comments in clear. */
export async function encryptText(input: SecretText, holder: FileKeyHolder): Promise<string> {
  const fileKey = randomBytes(FILE_KEY_BYTES)
  const slots = [await holder.wrap(fileKey)]
  return sealText(input, { fileKey, slots, values: new Map() })
}

/** Again under the key of `opened`; a value that did not change keeps its bytes, so a diff shows what did. */
export function sealText(input: SecretText, opened: Omit<OpenedText, 'text'>): string {
  const { file, text } = input
  const sealed = naming(file, () => sealValues(input, opened))
  const eol = lineEnding(text)
  const mark = sealed.startsWith('\ufeff') ? '\ufeff' : ''
  const head = [HEAD, ...opened.slots.map((slot) => SLOT + slot)].map((line) => line + eol).join('')
  return mark + head + sealed.slice(mark.length)
}

/** Refuses a text that could not be encrypted whole. */
export function requireEncryptable({ file, form, text }: SecretText): void {
  naming(file, () => {
    requireNothingInClear(form, text)
    valuesOf(form, text)
  })
}

function sealValues({ file, form, text }: SecretText, opened: Omit<OpenedText, 'text'>): string {
  requireNothingInClear(form, text)
  return replaceValues(form, text, ({ name, from, to }) => {
    const plain = text.slice(from, to)
    const known = opened.values.get(name)
    if (known?.plain === plain) return known.sealed
    const bytes = sealValue(opened.fileKey, { file, name }, plain)
    const value = `coffre:v1:${Buffer.from(bytes).toString('base64url')}`
    return form === 'toml' ? `"${value}"` : value
  })
}

/** DECRYPTION_FAILED for a changed value, or one of another file or name. */
export async function openText(input: SecretText, holder: FileKeyHolder): Promise<OpenedText> {
  const { slots, body } = splitHead(input.text)
  const fileKey = await unwrapAny(slots, holder)
  const values = new Map<string, { readonly sealed: string; readonly plain: string }>()
  const text = replaceValues(input.form, body, ({ name, from, to }) => {
    const sealed = body.slice(from, to)
    const bytes = parseBase64url(VALUE.exec(sealed)?.[1] ?? '')
    if (bytes === undefined) throw damaged()
    const plain = openValue(fileKey, { file: input.file, name }, bytes)
    values.set(name, { sealed, plain })
    return plain
  })
  return { text, fileKey, slots, values }
}

/** What opens the text: `passphrase`, `key`. */
export function slotKinds(text: string): readonly string[] {
  return splitHead(text).slots.map((slot) => slot.slice(0, slot.indexOf(' ')))
}

function splitHead(text: string): { readonly slots: readonly string[]; readonly body: string } {
  const mark = text.startsWith('\ufeff') ? '\ufeff' : ''
  const lines = text.slice(mark.length).split(/(?<=\n)/)
  if (lines[0]?.trimEnd() !== HEAD) throw damaged()
  const count = lines.slice(1).findIndex((line) => !line.startsWith(SLOT))
  const slots = lines
    .slice(1, 1 + (count < 0 ? lines.length : count))
    .map((line) => line.slice(SLOT.length).trimEnd())
  if (slots.length === 0 || slots.length > MAX_SLOTS) throw damaged()
  return { slots, body: mark + lines.slice(1 + slots.length).join('') }
}

async function unwrapAny(slots: readonly string[], holder: FileKeyHolder): Promise<Uint8Array> {
  for (const slot of slots) {
    const fileKey = await holder.unwrap(slot)
    if (fileKey !== undefined) return fileKey
  }
  const expected = `one of: ${[...new Set(slots.map((slot) => slot.split(' ')[0]))].join(', ')}`
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'key', expected } })
}

function replaceValues(form: Form, text: string, replace: (value: Value) => string): string {
  let [result, at] = ['', 0]
  for (const value of valuesOf(form, text)) {
    result += text.slice(at, value.from) + replace(value)
    at = value.to
  }
  return result + text.slice(at)
}

function valuesOf(form: Form, text: string): readonly Value[] {
  const values: readonly Value[] =
    form === 'dotenv'
      ? findEntries(text)
      : scanToml(text).entries.map(({ name, table, from, to }) => ({ name: `${table}${name}`, from, to }))
  if (new Set(values.map(({ name }) => name)).size < values.length) {
    throw new CoffreError('SECRET_FILE_REFUSED', { facts: { expected: 'every name once in the file' } })
  }
  return values
}

/** A line that is no assignment, comment or header would stay readable. */
function requireNothingInClear(form: Form, text: string): void {
  if (form === 'toml') {
    readToml(text)
    return
  }
  const rest = replaceValues(form, text, () => '').replace(/^\ufeff/, '')
  const isHarmless = (line: string) =>
    /^\s*(?:#.*|(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=\s*(?:#.*)?)?$/.test(line)
  if (!rest.split(/\r?\n/).every(isHarmless)) {
    throw new CoffreError('SECRET_FILE_REFUSED', { facts: { expected: 'only assignments and comments' } })
  }
}
