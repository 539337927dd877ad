/** What a blob is when it is nothing of ours, and what its owner does next. */
export interface ForeignFormat {
  readonly format: string
  readonly verdict: 'not-ciphertext' | 'surrounded' | 'encoded' | 'other-system' | 'empty'
  readonly next: string
}

const isOurs = (text: string) => /^(cof1|gAAAAA)/.test(text)
const BASE64 = /^[A-Za-z0-9+/_\-\s]+={0,2}$/
/** Enough to tell a format from; the rest of a large blob is not decoded to look at it. */
const LOOKED_AT = 4_096

interface Row {
  readonly format: string
  readonly has?: RegExp
  /** Characters that are the bytes of its head. */
  readonly starts?: readonly string[]
  readonly verdict: ForeignFormat['verdict']
  readonly next: string
}

/** The first row that fits; text forms and, as latin1, bytes. */
const ROWS: readonly Row[] = [
  {
    format: 'age',
    has: /^(age-encryption\.org\/v1|-----BEGIN AGE)/,
    verdict: 'other-system',
    next: 'age --decrypt -i KEY_FILE',
  },
  {
    format: 'openssl-enc',
    has: /^(Salted__|U2FsdGVkX1)/,
    verdict: 'other-system',
    next: 'openssl enc -d -pbkdf2',
  },
  { format: 'pgp', has: /^-----BEGIN PGP/, verdict: 'other-system', next: 'gpg --decrypt' },
  {
    format: 'pem',
    has: /^-----BEGIN [A-Z0-9 ]+-----/,
    verdict: 'not-ciphertext',
    next: 'openssl asn1parse -i',
  },
  {
    format: 'gzip',
    starts: ['\u001f\u008b', 'H4sI'],
    verdict: 'encoded',
    next: 'gunzip, then coffre doctor -',
  },
  { format: 'zip', starts: ['PK\u0003\u0004'], verdict: 'encoded', next: 'unzip, then coffre doctor FILE' },
  {
    format: 'vault-transit',
    has: /^vault:v[1-9][0-9]*:/,
    verdict: 'other-system',
    next: 'vault write transit/decrypt/KEY ciphertext=-',
  },
  {
    format: 'vault-token',
    has: /^(hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24}$)/,
    verdict: 'not-ciphertext',
    next: 'revoke it: a token lay where a ciphertext belongs',
  },
  {
    format: 'coffre-token',
    has: /^coffre_[a-z0-9]{8,12}_/,
    verdict: 'not-ciphertext',
    next: 'coffre token revoke ID, because a token lay where a ciphertext belongs',
  },
  {
    format: 'aws-kms',
    starts: ['AQICA', '\u0001\u0002\u0002\u0000'],
    verdict: 'other-system',
    next: 'aws kms decrypt --ciphertext-blob fileb://FILE',
  },
  {
    format: 'jwe',
    has: /^eyJ[\w-]*\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/,
    verdict: 'other-system',
    next: 'decrypt it with the key of its issuer',
  },
  {
    format: 'jwt',
    has: /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/,
    verdict: 'not-ciphertext',
    next: 'a JWT is signed, not encrypted: read it, do not decrypt it',
  },
]

function fits({ has, starts = [] }: Row, text: string): boolean {
  return has?.test(text) === true || starts.some((head) => text.startsWith(head))
}

/** `undefined` for what may be ours, and for what is nothing that we know. */
export function findForeignFormat(blob: string): ForeignFormat | undefined {
  const text = blob.trim()
  if (text === '')
    return { format: 'empty', verdict: 'empty', next: 'look at where the value was stored: nothing was' }
  const inside = findInside(text)
  if (inside !== undefined) return inside
  const row = isOurs(text) ? undefined : ROWS.find((each) => fits(each, text))
  if (row !== undefined) return { format: row.format, verdict: row.verdict, next: row.next }
  return isOurs(text) ? undefined : findEncoded(text)
}

/** A ciphertext with something around it, or broken into lines. */
function findInside(text: string): ForeignFormat | undefined {
  const answer = (format: string, next: string): ForeignFormat => ({ format, verdict: 'surrounded', next })
  if (/^cof1[^\s]*[+/=]/.test(text)) {
    return { format: 'base64', verdict: 'encoded', next: "tr '+/' '-_' < FILE | tr -d '=' | coffre doctor -" }
  }
  if (isOurs(text))
    return /\s/.test(text) ? answer('line-breaks', "tr -d '[:space:]' < FILE | coffre doctor -") : undefined
  if (/^["'`<([]+(cof1|gAAAAA)/.test(text))
    return answer('quoted', 'tr -d \\\'\\"\\` < FILE | coffre doctor -')
  if (/^[{[]/.test(text) && /"(cof1|gAAAAA)/.test(text))
    return answer('json', 'jq -r .ciphertext FILE | coffre doctor -')
  if (/^\w+\s*[:=]\s*["']?(cof1|gAAAAA)/.test(text))
    return answer('assignment', 'give the value alone, without its name')
  return undefined
}

/** One more encoding around something that is ours, or that has a row above. */
function findEncoded(text: string): ForeignFormat | undefined {
  const candidates = [
    {
      format: 'hex',
      isIt: /^([0-9a-fA-F]{2}\s*){8,}$/,
      encoding: 'hex' as const,
      next: 'xxd -r -p FILE | coffre doctor -',
    },
    { format: 'base64', isIt: BASE64, encoding: 'base64' as const, next: 'base64 -d FILE | coffre doctor -' },
  ]
  for (const { format, isIt, encoding, next } of candidates) {
    if (!isIt.test(text)) continue
    const inner = Buffer.from(text.replaceAll(/\s/g, '').slice(0, LOOKED_AT), encoding).toString('latin1')
    const isKnown =
      isOurs(inner) ||
      ROWS.some((each) => fits(each, inner)) ||
      isOurs(Buffer.from(inner, 'latin1').toString('base64url'))
    if (isKnown) return { format, verdict: 'encoded', next }
  }
  if (/%[0-9A-Fa-f]{2}/.test(text))
    return { format: 'percent', verdict: 'encoded', next: 'decode the percent-encoding first' }
  return undefined
}
