import { join } from 'node:path'
import { fileSeal } from '../src/seal/file/file-seal.ts'
import type { Core } from '../src/service/operator/core.ts'
import type { Store } from '../src/store/store.ts'
import { coreOver } from './core-over.ts'

/**
 * The services over a store of the test's own, under the key file in `folder`. They do not watch for changes of
 * other processes, so they find out by themselves.
 */
export function assembleCore(
  store: Store,
  folder: string,
  options: { readonly rootLingerMs?: number } = {},
): Core {
  return coreOver(store, { seal: fileSeal(join(folder, 'seal.key')), ...options }).core
}
