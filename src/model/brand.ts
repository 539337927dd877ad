declare const brand: unique symbol

/** A type that only its own `parse…` or `to…` constructor makes, so two ids cannot be swapped. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }
