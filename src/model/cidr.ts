const ADDRESS_BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 }
const PREFIX = /^(0|[1-9][0-9]{0,2})$/

/** A block, or one address. `familyOf` is `isIP` of node:net: 4, 6, or 0 for what is no address. */
export function isCidr(text: unknown, familyOf: (address: string) => number): text is string {
  if (typeof text !== 'string') return false
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = ADDRESS_BITS[familyOf(address)]
  // A zone such as %eth0 means something on this machine only.
  if (bits === undefined || address.includes('%') || rest.length > 0) return false
  return prefix === undefined || (PREFIX.test(prefix) && Number(prefix) <= bits)
}
