/** One element of DER (X.690): a tag of one byte and a length of at most two. Keys need no more. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
}

export const DER = { integer: 0x02, bits: 0x03, bytes: 0x04, oid: 0x06, sequence: 0x30 } as const

/** What is shorter has to be written with fewer bytes of length (X.690, section 10.1), so that no two texts are one value. */
const LEAST_LENGTH = [0, 0x80, 0x100] as const

/** The elements that fill `bytes` exactly; `undefined` where they do not, or are not DER. */
export function readDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = []
  let at = 0
  while (at < bytes.length) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2)
    const lengthBytes = first < 0x80 ? 0 : first - 0x80
    const least = LEAST_LENGTH[lengthBytes]
    // 0x80 is a length that its end tells, which DER does not have.
    if (first === 0x80 || least === undefined) return undefined
    const start = at + 2 + lengthBytes
    let length = lengthBytes === 0 ? first : 0
    for (const byte of bytes.subarray(at + 2, start)) length = length * 256 + byte
    at = start + length
    if (length < least || at > bytes.length) return undefined
    elements.push({ tag, content: bytes.subarray(start, at) })
  }
  return elements
}

/** The elements of the one SEQUENCE that `bytes` are. */
export function readSequence(bytes: Uint8Array): readonly DerElement[] | undefined {
  const [outer, ...others] = readDer(bytes) ?? []
  return outer?.tag === DER.sequence && others.length === 0 ? readDer(outer.content) : undefined
}

export function readSmallInteger(element: DerElement | undefined): number | undefined {
  if (element?.tag !== DER.integer || element.content.length > 6) return undefined
  return Number(`0x0${Buffer.from(element.content).toString('hex')}`)
}

export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const { length } = content
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.from([tag, ...(length < 0x80 ? [length] : long)]), content])
}
