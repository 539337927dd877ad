import type { Coffre } from '../../../model/coffre.ts'
import type { Invocation } from '../../invocation.ts'
import { choosePlace } from '../../place.ts'
import { UsageError } from '../../usage-error.ts'
import { connect } from '../../with-coffre.ts'

/** For what only a running process has: a seal that can be opened, a ceremony under way. */
export async function withServer<Result>(
  invocation: Invocation,
  work: (coffre: Coffre) => Promise<Result>,
): Promise<Result> {
  const { command, options, terminal } = invocation
  const place = choosePlace(options, terminal.environment)
  if (place.kind === 'folder') throw UsageError.of('usage.serverOnly', { name: `coffre ${command}` })
  return work(await connect(invocation, place.address))
}
