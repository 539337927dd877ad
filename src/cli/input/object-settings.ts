import type { ObjectStoreOptions } from '../../app-objects.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Sources } from '../invocation.ts'
import { readObjectSecret, readObjectSession } from './secret-setting.ts'

/** What COFFRE_S3_… say of the server of a bucket. Without an access key the AWS SDK looks for one in its own places. */
export async function readObjectSettings(invocation: Sources): Promise<ObjectStoreOptions> {
  const { environment } = invocation.terminal
  const text = (name: string) => environment[name] ?? ''
  const [endpoint, region, caFile] = [
    text('COFFRE_S3_ENDPOINT'),
    text('COFFRE_S3_REGION'),
    text('COFFRE_S3_CACERT'),
  ]
  const credentials = await readCredentials(invocation, text('COFFRE_S3_ACCESS_KEY_ID'))
  return {
    ...(endpoint === '' ? {} : { endpoint }),
    ...(region === '' ? {} : { region }),
    ...(caFile === '' ? {} : { caFile }),
    ...readPathStyle(text('COFFRE_S3_PATH_STYLE')),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

async function readCredentials(
  invocation: Sources,
  accessKeyId: string,
): Promise<ObjectStoreOptions['credentials']> {
  const secretAccessKey = await readObjectSecret(invocation)
  const sessionToken = await readObjectSession(invocation)
  if (accessKeyId === '' && secretAccessKey === undefined && sessionToken === undefined) return undefined
  if (accessKeyId !== '' && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  }
  const expected = 'COFFRE_S3_ACCESS_KEY_ID and COFFRE_S3_SECRET_ACCESS_KEY_FILE together, or none of them'
  throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'COFFRE_S3_ACCESS_KEY_ID', expected } })
}

function readPathStyle(text: string): { readonly pathStyle?: boolean } {
  if (text === '') return {}
  if (text === '0' || text === '1') return { pathStyle: text === '1' }
  throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'COFFRE_S3_PATH_STYLE', expected: '0 or 1' } })
}
