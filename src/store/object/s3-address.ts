import { CoffreError } from '../../model/errors.ts'

/** Where a bucket is. The endpoint is the operator's, never a caller's. */
export interface S3Address {
  readonly bucket: string
  /** Empty, or ends with a slash. */
  readonly prefix: string
  /** Absent: Amazon's own of the region. */
  readonly endpoint?: string
  readonly region: string
  /** The bucket in the path rather than in the host: most servers other than Amazon's. */
  readonly pathStyle: boolean
  /** False for servers that take no CRC-32 of bodies: the SHA-256 of the signature has to do. */
  readonly checksums: boolean
}

export interface S3Defaults {
  readonly endpoint?: string
  readonly region?: string
  readonly pathStyle?: boolean
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const PREFIX_SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._=+@-]{0,127}$/
const MAX_PREFIX_LENGTH = 256
const REGION = /^[A-Za-z0-9-]{1,64}$/
const DEFAULT_REGION = 'us-east-1'
const PARAMETERS: ReadonlySet<string> = new Set(['endpoint', 'region', 'path-style', 'checksums'])

/**
 * Reads `s3://bucket/prefix?endpoint=https://…&region=…&path-style=0`. What is absent is as `defaults` say; with an
 * endpoint the bucket is in the path unless path-style=0. Throws CONFIG_REFUSED, which repeats nothing of the text.
 */
export function parseS3Address(text: string, defaults: S3Defaults = {}): S3Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.protocol !== 's3:')
    return refuse('s3://bucket/prefix?endpoint=https://host&region=name')
  if (url.username !== '' || url.password !== '') {
    return refuse(
      'no credentials in the address: COFFRE_S3_ACCESS_KEY_ID and COFFRE_S3_SECRET_ACCESS_KEY_FILE',
    )
  }
  if (!BUCKET.test(url.hostname) || url.port !== '' || url.hash !== '')
    return refuse('the name of a bucket after s3://')
  const parameters = readParameters(url.searchParams)
  const endpoint = parameters.get('endpoint') ?? defaults.endpoint
  const [style, checksums] = [parameters.get('path-style'), parameters.get('checksums')]
  return {
    bucket: url.hostname,
    prefix: readPrefix(url.pathname),
    ...(endpoint === undefined ? {} : { endpoint: readEndpoint(endpoint) }),
    region: readRegion(parameters.get('region') ?? defaults.region ?? DEFAULT_REGION),
    pathStyle:
      style === undefined ? (defaults.pathStyle ?? endpoint !== undefined) : readSwitch('path-style', style),
    checksums: checksums === undefined || readSwitch('checksums', checksums),
  }
}

function readParameters(given: URLSearchParams): ReadonlyMap<string, string> {
  const names = [...given.keys()]
  if (names.every((name) => PARAMETERS.has(name)) && new Set(names).size === names.length)
    return new Map(given)
  return refuse(`only ${[...PARAMETERS].join(', ')} after the ?, each once`)
}

function readPrefix(path: string): string {
  const text = path.replace(/^\//, '').replace(/\/$/, '')
  if (text === '') return ''
  const isSound =
    text.length <= MAX_PREFIX_LENGTH && text.split('/').every((segment) => PREFIX_SEGMENT.test(segment))
  return isSound ? `${text}/` : refuse('letters, digits and ._=+@- in the prefix')
}

function readEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSound =
    url !== undefined &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  return isSound
    ? url.href.replace(/\/$/, '')
    : refuse('an endpoint such as https://s3.example.com, without credentials')
}

function readRegion(text: string): string {
  return REGION.test(text) ? text : refuse('the name of a region')
}

function readSwitch(name: string, text: string): boolean {
  return text === '0' || text === '1' ? text === '1' : refuse(`${name}=0 or ${name}=1`)
}

function refuse(expected: string): never {
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { setting: 'object store', expected },
  })
}
