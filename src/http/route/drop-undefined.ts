/** Zod writes `undefined` for an absent optional member; the services' types want it absent. */
export function dropUndefined<Members extends object>(
  members: {
    readonly [Name in keyof Members]: Members[Name] | undefined
  },
): { readonly [Name in keyof Members]: Exclude<Members[Name], undefined> } {
  const present = Object.entries(members).filter(([, value]) => value !== undefined)
  // Exactly the members that were there and not undefined.
  return Object.fromEntries(present) as { [Name in keyof Members]: Exclude<Members[Name], undefined> }
}
