import type { FileHandle } from 'node:fs/promises'
import type { WriteOptions } from '../object-store.ts'
import { abortable } from './abortable.ts'
import { requireLength } from './body-length.ts'
import { onFolder } from './folder-errors.ts'

type Body = Pick<WriteOptions, 'bytes' | 'signal'> & { readonly place: string; readonly name: string }

/** Writes all of the body and brings it to the disk. An error of the body itself passes as it is. */
export async function writeBody(
  file: FileHandle,
  body: AsyncIterable<Uint8Array>,
  { place, name, bytes, signal }: Body,
): Promise<void> {
  let written = 0
  for await (const chunk of abortable(body, signal)) {
    requireLength({ written: written + chunk.length, bytes, isOver: false })
    await onFolder({ place, name }, () => writeAll(file, chunk))
    written += chunk.length
  }
  requireLength({ written, bytes, isOver: true })
  await onFolder({ place, name }, () => file.sync())
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at)
    at += bytesWritten
  }
}
