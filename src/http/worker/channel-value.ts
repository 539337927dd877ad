import { Secret } from '../../model/secret.ts'

const SECRET = '$secret'
const BYTES = '$bytes'

/**
 * Arguments and results as they cross the channel between a worker and its parent, which carries JSON. A Secret does
 * not show itself to JSON, so it is named here; nobody but these two processes reads the channel.
 */
export function toChannel(value: unknown): unknown {
  if (value instanceof Secret) return { [SECRET]: value.reveal() }
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(toChannel)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toChannel(member)]))
}

export function fromChannel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromChannel)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value)
  const [only] = members
  if (members.length === 1 && only !== undefined && typeof only[1] === 'string') {
    if (only[0] === SECRET) return new Secret(only[1])
    if (only[0] === BYTES) return new Uint8Array(Buffer.from(only[1], 'base64'))
  }
  return Object.fromEntries(members.map(([name, member]) => [name, fromChannel(member)]))
}
