import { isIP } from 'node:net'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const UNKNOWN = 'unknown'
/** Whoever has one IPv6 address usually has 2^64 of them. */
const IPV6_NETWORK_GROUPS = 4

/** What counts as one place: an IPv4 address, the /64 of an IPv6 address, or all of what is none. */
export function placeOf(address: string): string {
  const plain = plainAddress(address)
  if (isIP(plain) !== 6) return isIP(plain) === 4 ? plain : UNKNOWN
  const [head = '', tail] = plain.toLowerCase().split('%', 1)[0]?.split('::') ?? []
  const front = groupsOf(head)
  const back = tail === undefined ? [] : groupsOf(tail)
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  const groups = [...front, ...zeros, ...back].slice(0, IPV6_NETWORK_GROUPS)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** A socket that listens on IPv6 shows IPv4 callers as ::ffff:192.0.2.1. */
export function plainAddress(address: string): string {
  return MAPPED_IPV4.exec(address)?.[1] ?? address
}

/** A dotted end stands for two groups. */
function groupsOf(text: string): readonly string[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}
