import { Writable } from 'node:stream'

/** A stream, and what was written to it. */
export function collect(): { readonly stream: Writable; readonly text: () => string } {
  const pieces: Buffer[] = []
  const stream = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(pieces).toString() }
}
