import type { BoundClaims } from '../../model/login-role.ts'

/** Every named claim must be there and be, or hold, one of the values. Nothing matches by pattern. */
export function matchesClaims(claims: Readonly<Record<string, unknown>>, bound: BoundClaims): boolean {
  const wanted = Object.entries(bound)
  // Without a bound claim, everybody whom the issuer knows would be let in.
  return (
    wanted.length > 0 &&
    wanted.every(([name, values]) => {
      const found = name.startsWith('/') ? findPointer(claims, name) : ownMember(claims, name)
      return [found].flat().some((each) => isOneOf(each, values))
    })
  )
}

function isOneOf(value: unknown, values: readonly string[]): boolean {
  if (typeof value === 'string') return values.includes(value)
  return (typeof value === 'boolean' || typeof value === 'number') && values.includes(String(value))
}

/** RFC 6901, through objects only. */
function findPointer(claims: Readonly<Record<string, unknown>>, pointer: string): unknown {
  let value: unknown = claims
  for (const token of pointer.slice(1).split('/')) {
    value = ownMember(value, token.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return value
}

function ownMember(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
