import { formatInstant } from '../../model/clock.ts'
import type { KeyVersionView, KeyView } from '../../model/coffre.ts'
import type { Key, KeyVersion } from '../../model/key.ts'
import { currentVersion } from '../../keyring/rotation.ts'

/** A version never changes, and a key may have thousands that every answer about it shows. */
const VIEWS = new WeakMap<KeyVersion, KeyVersionView>()

/** What surfaces show of a key. */
export function viewKey(key: Key): KeyView {
  const current = currentVersion(key)
  return {
    id: key.id,
    name: key.name,
    algorithm: key.algorithm,
    purpose: key.purpose,
    ...key.labels,
    createdAt: formatInstant(key.createdAt),
    updatedAt: formatInstant(key.updatedAt),
    ...(current === undefined ? {} : { currentVersion: current.version }),
    floor: key.floor,
    exportable: key.exportable === true,
    ...(key.destroyAt === undefined ? {} : { destroyAt: formatInstant(key.destroyAt) }),
    versions: key.versions.map(viewVersion),
  }
}

function viewVersion(version: KeyVersion): KeyVersionView {
  const known = VIEWS.get(version)
  if (known !== undefined) return known
  // Whoever gets an answer shares it with the next.
  const view = Object.freeze({
    version: version.version,
    state: version.state.name,
    since: formatInstant(version.state.since),
    createdAt: formatInstant(version.createdAt),
    origin: version.origin ?? 'generated',
    ...(version.publicKey === undefined ? {} : { publicKey: version.publicKey }),
  })
  VIEWS.set(version, view)
  return view
}
