/**
 * The object in a JSON text, or `undefined`: also for an object in which one name stands twice, because two
 * readers could then believe two things (RFC 7519, section 4).
 */
export function parseStrictObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return countColons(text) === countMembers(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Outside of strings, each colon belongs to one member. */
function countColons(text: string): number {
  let count = 0
  let isInside = false
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (isInside && character === '\\') index += 1
    else if (character === '"') isInside = !isInside
    else if (!isInside && character === ':') count += 1
  }
  return count
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce<number>((sum, each) => sum + countMembers(each), 0)
  return Array.isArray(value) ? inner : inner + Object.keys(value).length
}
