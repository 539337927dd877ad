import type { Operator } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Caller } from '../../service/caller.ts'
import { fromChannel, toChannel } from './channel-value.ts'
import type { OperatorCall } from './messages.ts'

/**
 * Sealing, unsealing and ceremonies of one caller, done by the parent of a group: shares that arrive at different
 * workers must come together, and what is decided holds for all of them.
 */
export function remoteOperator(caller: Caller, ask: (call: OperatorCall) => Promise<unknown>): Operator {
  const { principal, role, requestId, address } = caller
  const asking = { principal, role, requestId, ...(address === undefined ? {} : { address }) }
  return callsOf([], async (path, argument) =>
    fromChannel(await ask({ path, caller: asking, argument: toChannel(argument) })),
  ) as Operator // every path is a method of it, or the parent refuses
}

/** `a.b(argument)` becomes `call('a.b', argument)`. */
function callsOf(
  path: readonly string[],
  call: (path: string, argument: unknown) => Promise<unknown>,
): unknown {
  return new Proxy(() => undefined, {
    // Whoever awaits it asks for `then`, and it is no promise.
    get: (_target, name) =>
      name === 'then' || typeof name === 'symbol' ? undefined : callsOf([...path, name], call),
    apply: (_target, _self, [argument]) => call(path.join('.'), argument),
  })
}

/** Does in this process what `remoteOperator` asked in another. Throws NOT_FOUND for a path that is no method. */
export async function callOperator(operator: Operator, call: OperatorCall): Promise<unknown> {
  const names = call.path.split('.')
  let owner: unknown = undefined
  let member: unknown = operator
  for (const name of names) {
    if (typeof member !== 'object' || member === null || !Object.hasOwn(member, name)) throw notFound()
    owner = member
    member = Object.getOwnPropertyDescriptor(member, name)?.value
  }
  if (typeof member !== 'function') throw notFound()
  return toChannel(await Reflect.apply(member, owner, [fromChannel(call.argument)]))
}

function notFound(): CoffreError {
  return new CoffreError('NOT_FOUND')
}
