import type { Ceremonies, CeremonyView, NewSealRequest } from '../../../model/ceremony.ts'
import type { Coffre } from '../../../model/coffre.ts'
import { MAX_PASSPHRASE_BYTES } from '../../../model/limits.ts'
import { Secret } from '../../../model/secret.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import { askNewPassphrase } from '../../input/prompt.ts'
import { readLimitedFile } from '../../input/read-limited.ts'
import { readSecretText } from '../../input/secret-file.ts'
import { giveUntilAuthorised, isMistypedShare, SecretQueue } from '../../input/read-share.ts'
import { SEAL_PROVIDERS } from '../../input/seal-choice.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN } from '../../line/option-rows.ts'
import { formatJson } from '../../output/printer.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { QUORUM_OPTIONS, readQuorum, requireSharePlace } from '../../output/share-files.ts'
import { canAsk, writeTo } from '../../output/terminal.ts'
import { UsageError } from '../../usage-error.ts'
import { withCoffre } from '../../with-coffre.ts'
import { collect } from './ceremony-commands.ts'
import { untilRewrapped } from './root-progress.ts'

export const rekeyCommand: CommandRow = {
  path: ['operator', 'rekey'],
  summary: 'command.operator.rekey',
  options: [
    { flags: '--seal <provider>', help: 'option.newSeal', choices: SEAL_PROVIDERS },
    { flags: '--new-passphrase-file <file>', help: 'option.newPassphraseFile' },
    ...QUORUM_OPTIONS,
    DRY_RUN,
  ],
  run: runRekey,
}

export const rotateRootCommand: CommandRow = {
  path: ['operator', 'rotate-root'],
  summary: 'command.operator.rotate-root',
  options: [DRY_RUN],
  run: runRotateRoot,
}

async function runRekey(invocation: Invocation): Promise<ExitCode> {
  const provider = invocation.options.choice('seal', SEAL_PROVIDERS)
  if (provider === undefined) throw UsageError.of('usage.optionMissing', { name: '--seal' })
  const shown = provider === 'shamir' ? readQuorum(invocation) : {}
  if (invocation.options.flag('dry-run'))
    return reportPlan(invocation, { request: { seal: provider, ...shown }, lines: [] })
  if (provider === 'shamir') await requireSharePlace(invocation)
  const seal = await readNewSeal(invocation, provider)
  // Here --seal names the new one; the stored one is found by what opens it.
  const opening = { ...invocation, options: invocation.options.without('seal') }
  return withCoffre(opening, async ({ operator }) => {
    const present = (await operator.status()).sealProvider
    const { ceremonies } = operator
    const secrets = new SecretQueue(invocation)
    const { nonce, ...view } = await ceremonies.begin({ kind: 'rekey', seal })
    const authorised = await giveUntilAuthorised(ceremonies, { nonce, view, seal: present }, secrets)
    if (authorised.phase === 'authorize') return waitForOthers(invocation, nonce, authorised)
    if (authorised.phase !== 'collect') return tellDone(invocation, { phase: 'done' }, [])
    const { view: collected, files } = await collect(invocation, ceremonies, nonce)
    return tellDone(
      invocation,
      await verify(invocation, ceremonies, { nonce, view: collected, files }),
      files,
    )
  })
}

/** People who were given a new share give it back; from files Coffre reads back what it has written. */
async function verify(
  invocation: Invocation,
  ceremonies: Ceremonies,
  made: { readonly nonce: string; readonly view: CeremonyView; readonly files: readonly string[] },
): Promise<CeremonyView> {
  const { nonce, files } = made
  const left = [...files]
  let { view } = made
  const noFiles = new SecretQueue({ ...invocation, options: invocation.options.without('share-file') })
  while (view.phase === 'verify') {
    const path = left.shift()
    const share = path === undefined ? await noFiles.nextShare(view) : await readWritten(path)
    if (share === undefined) return view
    try {
      view = await ceremonies.give({ nonce, share })
    } catch (error) {
      if (path !== undefined || !isMistypedShare(error) || !canAsk(invocation.terminal)) throw error
      await invocation.printer.note('done.shareRefused')
    }
  }
  return view
}

async function readWritten(path: string): Promise<Secret> {
  const bytes = await readLimitedFile(path, { name: '--shares-dir', maximumBytes: MAX_PASSPHRASE_BYTES })
  return new Secret(Buffer.from(bytes).toString('utf8').trim())
}

async function readNewSeal(
  invocation: Invocation,
  provider: (typeof SEAL_PROVIDERS)[number],
): Promise<NewSealRequest> {
  if (provider === 'shamir') return { provider, ...readQuorum(invocation) }
  if (provider !== 'passphrase') return { provider }
  const path = invocation.options.text('new-passphrase-file')
  if (path !== undefined) {
    const limit = { name: '--new-passphrase-file', maximumBytes: MAX_PASSPHRASE_BYTES }
    const bytes = await readLimitedFile(path, limit)
    return { provider, passphrase: new Secret(readSecretText(bytes, limit.name)) }
  }
  if (canAsk(invocation.terminal)) return { provider, passphrase: await askNewPassphrase(invocation.printer) }
  throw UsageError.of('usage.optionMissing', { name: '--new-passphrase-file' })
}

async function runRotateRoot(invocation: Invocation): Promise<ExitCode> {
  return withCoffre(invocation, async (coffre) => {
    const status = await coffre.operator.status()
    if (invocation.options.flag('dry-run')) return planRotation(invocation, coffre)
    const { ceremonies } = coffre.operator
    const secrets = new SecretQueue(invocation)
    const { nonce, ...view } = await ceremonies.begin({ kind: 'rotate-root' })
    const begun = { nonce, view, seal: status.sealProvider }
    const after = await giveUntilAuthorised(ceremonies, begun, secrets)
    if (after.phase === 'authorize') return waitForOthers(invocation, nonce, after)
    return untilRewrapped(invocation, coffre)
  })
}

async function planRotation(invocation: Invocation, { operator }: Coffre): Promise<ExitCode> {
  const { rootGeneration = 1, sealProvider } = await operator.status()
  const request = { root: rootGeneration + 1, seal: sealProvider ?? '' }
  const line = invocation.printer.say('dryRun.rotateRoot', { from: rootGeneration, to: rootGeneration + 1 })
  return reportPlan(invocation, { request, lines: [line] })
}

/** Without a terminal the others give theirs with `ceremony give`; the nonce is what they need for it. */
async function waitForOthers(
  { printer, terminal }: Invocation,
  nonce: string,
  view: CeremonyView,
): Promise<ExitCode> {
  if (printer.json) await writeTo(terminal.stdout, `${formatJson({ ...view, nonce })}\n`)
  else {
    await writeTo(terminal.stdout, `${nonce}\n`)
    await printer.note('done.ceremonyWaits', { given: view.given ?? 0, needed: view.needed ?? 1 })
  }
  return FINDING
}

async function tellDone(
  { printer }: Invocation,
  view: CeremonyView,
  files: readonly string[],
): Promise<ExitCode> {
  if (view.phase !== 'done') {
    await printer.done({ ...view, files }, 'done.sharesUnverified')
    return FINDING
  }
  await printer.done({ ...view, files }, 'done.rekeyed')
  return OK
}
