import type { Backups, PlantedKey, TargetFindings } from '../../../app-backup.ts'
import type { MessageKey } from '../../../model/message/catalogue.ts'
import type { Secret } from '../../../model/secret.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import { readApplicationSecrets, readBackupKeys, readKnownSecrets } from '../../input/backup-secrets.ts'
import { readObjectSettings } from '../../input/object-settings.ts'
import type { Invocation } from '../../invocation.ts'
import { type Printer, visible } from '../../output/printer.ts'
import { chooseBackupTarget } from './with-backups.ts'

type Warning = TargetFindings['warnings'][number]

const KIND_TEXTS = {
  known: 'planted.known',
  'paper-key': 'planted.paperKey',
  words: 'planted.words',
  'bare-key': 'planted.bareKey',
  'private-key': 'planted.privateKey',
  'age-key': 'planted.ageKey',
  setting: 'planted.setting',
  'clear-copy': 'planted.clearCopy',
} as const satisfies Readonly<Record<PlantedKey['kind'], MessageKey>>
const WARNING_TEXTS = {
  'readable-by-others': 'target.readableByOthers',
  'writable-by-others': 'target.writableByOthers',
  'access-unknown': 'target.accessUnknown',
  'keeps-versions': 'target.keepsVersions',
  'plain-http': 'target.plainHttp',
} as const satisfies Readonly<Record<Warning, MessageKey>>
/** The others are for whoever set the target up to know. */
const OPEN: ReadonlySet<Warning> = new Set(['readable-by-others', 'writable-by-others'])

/** `coffre backup verify --remote`: key material on the target, and who else may read it. */
export async function examineRemote(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  await requireSeparateKeys(invocation)
  const { examineBackupTarget } = await import('../../../app-backup.ts')
  const findings = await examineBackupTarget({
    target: chooseBackupTarget(invocation),
    s3: await readObjectSettings(invocation),
    secrets: await readKnownSecrets(invocation),
  })
  await printer.show(findings, () => formatFindings(printer, findings))
  const isWell = findings.keys.length === 0 && !findings.warnings.some((warning) => OPEN.has(warning))
  return isWell ? OK : FINDING
}

/** Before anything is read: what opens a backup is not what the database or the application has. */
export async function requireSeparateKeys(invocation: Invocation, passphrase?: Secret): Promise<void> {
  const { requireSeparate } = await import('../../../app-backup.ts')
  requireSeparate(await readBackupKeys(invocation, passphrase), await readApplicationSecrets(invocation))
}

/** Before a backup: what others read is still encrypted, and should not lie open. */
export async function warnOfOthers(
  { printer }: Invocation,
  backups: Pick<Backups, 'warnings'>,
): Promise<void> {
  for (const warning of await backups.warnings()) {
    if (OPEN.has(warning)) await printer.note(WARNING_TEXTS[warning])
  }
}

function formatFindings(printer: Printer, findings: TargetFindings): readonly string[] {
  const { place, objects, inPart, unread, isWhole, keys, warnings } = findings
  return [
    ...keys.map((planted) => formatPlanted(printer, planted)),
    ...warnings.map((warning) => printer.say(WARNING_TEXTS[warning])),
    ...unread.map((object) => `${visible(object)}: ${printer.say('target.unread')}`),
    ...(isWhole ? [] : [printer.say('target.notWhole')]),
    ...(keys.length > 0 ? [] : [printer.say('target.noKeys', { place, objects, inPart })]),
  ]
}

function formatPlanted(printer: Printer, { object, kind, name }: PlantedKey): string {
  const text = `${visible(object)}: ${printer.say(KIND_TEXTS[kind])}`
  return name === undefined ? text : `${text} (${name})`
}
