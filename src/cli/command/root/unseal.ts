import type { Operator, StatusView } from '../../../model/coffre.ts'
import { hasCode } from '../../../model/errors.ts'
import { Secret } from '../../../model/secret.ts'
import { askHidden } from '../../input/prompt.ts'
import { isMistypedShare, readShares } from '../../input/read-share.ts'
import { readPassphrase } from '../../input/secret-setting.ts'
import type { Invocation } from '../../invocation.ts'
import { canAsk } from '../../output/terminal.ts'
import { wantsPassphrase } from '../../with-coffre.ts'

/** With what the command line names, else with the server's own key, else by asking whoever sits there. */
export async function unseal(invocation: Invocation, operator: Operator): Promise<StatusView> {
  const reset = invocation.options.flag('reset')
  const shares = await readShares(invocation)
  if (reset) {
    const status = await operator.unseal({ reset })
    if (shares.length === 0) return status
  }
  if (shares.length > 0) return giveAll(operator, shares)
  const passphrase = await readPassphrase(invocation)
  if (passphrase !== undefined) return operator.unseal({ passphrase })
  const status = await operator.status()
  if (status.sharesNeeded !== undefined && canAsk(invocation.terminal)) return askShares(invocation, operator)
  return withOwnKey(invocation, operator)
}

async function giveAll(operator: Operator, shares: readonly Secret[]): Promise<StatusView> {
  let status = await operator.status()
  for (const share of shares) if (status.sealed) status = await operator.unseal({ share })
  return status
}

/** A mistake is told, and the same person tries again. */
async function askShares(invocation: Invocation, operator: Operator): Promise<StatusView> {
  const { printer } = invocation
  let status = await operator.status()
  while (status.sealed) {
    const { sharesGiven = 0, sharesNeeded = 0 } = status
    await printer.note('done.shareProgress', { given: sharesGiven, needed: sharesNeeded })
    try {
      status = await operator.unseal({ share: new Secret(await askHidden(printer, 'prompt.share')) })
    } catch (error) {
      if (!isMistypedShare(error)) throw error
      await printer.note('done.shareRefused')
    }
  }
  return status
}

async function withOwnKey(invocation: Invocation, operator: Operator): Promise<StatusView> {
  try {
    return await operator.unseal()
  } catch (error) {
    const mayHelp = wantsPassphrase(error) || hasCode(error, 'UNAUTHENTICATED')
    if (!mayHelp || !canAsk(invocation.terminal)) throw error
    const passphrase = new Secret(await askHidden(invocation.printer, 'prompt.passphrase'))
    return operator.unseal({ passphrase })
  }
}
