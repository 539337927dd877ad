import { type FileHandle, open } from 'node:fs/promises'
import type { RangeSource } from '../../model/streams.ts'
import type { Invocation } from '../invocation.ts'
import { UsageError } from '../usage-error.ts'

/** As curl and HTTP write it: both ends belong to it, and without the second it goes to the end. */
const RANGE = /^([0-9]{1,15})-([0-9]{1,15})?$/

export function readRange({
  options,
}: Invocation): { readonly offset: number; readonly length?: number } | undefined {
  const text = options.text('range')
  if (text === undefined) return undefined
  const [, from, to] = RANGE.exec(text) ?? []
  const offset = Number(from)
  if (to === undefined) return from === undefined ? refuse() : { offset }
  return Number(to) < offset ? refuse() : { offset, length: Number(to) - offset + 1 }
}

/** A part is read from a file; a pipe has no places. */
export async function withRangeSource<Result>(
  invocation: Invocation,
  work: (source: RangeSource) => Promise<Result>,
): Promise<Result> {
  const file = await open(invocation.options.required('in')).catch(() => {
    throw UsageError.of('usage.fileUnreadable', { name: '--in' })
  })
  try {
    const { size } = await file.stat()
    return await work({ size, readAt: (offset, length) => readAt(file, offset, length) })
  } finally {
    await file.close()
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function refuse(): never {
  throw UsageError.of('usage.range', { name: '--range' })
}
