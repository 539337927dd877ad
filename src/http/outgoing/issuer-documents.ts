import { readFile } from 'node:fs/promises'
import type { IssuerDocuments } from '../../service/login/login-service.ts'
import { fetchDocument, type FetchRules, parseFetchUrl } from './fetch-document.ts'

/** Microsoft's key set, the longest that we know, has 20 KiB with its certificates. */
const MAX_KEY_SET_BYTES = 64 * 1024

export interface IssuerAccess {
  readonly allowedHosts: readonly string[]
  readonly caFile?: string
}

/** The documents of issuers, fetched by the rules of `fetchDocument`. */
export function issuerDocuments(access: IssuerAccess = { allowedHosts: [] }): IssuerDocuments {
  const allowedHosts = new Set(access.allowedHosts)
  const rules = async (): Promise<FetchRules> => ({
    allowedHosts,
    maximumBytes: MAX_KEY_SET_BYTES,
    ...(access.caFile === undefined ? {} : { ca: await readFile(access.caFile, 'latin1') }),
  })
  return {
    check: async (url) => void parseFetchUrl(url, { allowedHosts }),
    fetch: async (url) => fetchDocument(url, await rules()),
  }
}
