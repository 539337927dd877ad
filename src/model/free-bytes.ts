/**
 * Frees the memory of `bytes` now, not at the next collection, so that the next piece finds it in the cache: streams
 * gain a sixth to a third (bench/chunked.ts), and a long one holds no hundred MiB of what is over. Only for bytes that
 * nobody else sees.
 */
export function freeNow(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
