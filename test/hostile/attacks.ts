import { connect } from 'node:net'

/** What a stranger, or an app gone wrong, sends. Each runs until `signal` says stop, at most `width` at a time. */
export interface Attack {
  readonly name: string
  readonly width: number
  readonly once: (target: Target, signal: AbortSignal) => Promise<void>
}

export interface Target {
  readonly url: string
  readonly appToken: string
  readonly adminToken: string
}

const MEBIBYTE = 1024 * 1024
const HUGE_BYTES = 17 * MEBIBYTE
const SLOW_SOCKET_MS = 5_000
/** Below the limit of a body, far beyond the limit of depth. */
const DEEP = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
const WIDE = `{"items":[${'{},'.repeat(500_000)}{}]}`
/** Few values of the greatest body, each of them slow to parse: one object of many members, and texts of escapes. */
const MANY_MEMBERS = JSON.stringify(
  Object.fromEntries(Array.from({ length: 70_000 }, (_, at) => [`m${at}`, 0])),
)
const ESCAPES = `{"items":["${'\\\\'.repeat(7_000_000)}"]}`

/** While only the passphrase is missing: each guess asks for the work of Argon2id. */
export const SEALED_ATTACK: Attack = {
  name: 'wrong passphrases while sealed',
  width: 64,
  once: ({ url }, signal) => {
    const body = JSON.stringify({ passphrase: `guess ${crypto.randomUUID()}` })
    return post(`${url}/api/v1/unseal`, { body, signal })
  },
}

export const ATTACKS: readonly Attack[] = [
  {
    name: 'huge bodies without a token',
    width: 20,
    once: ({ url }, signal) => post(`${url}/api/v1/encrypt`, { body: 'x'.repeat(HUGE_BYTES), signal }),
  },
  {
    name: 'huge bodies with a token',
    width: 8,
    once: ({ url, appToken }, signal) =>
      post(`${url}/api/v1/encrypt`, { token: appToken, body: 'x'.repeat(HUGE_BYTES), signal }),
  },
  { name: 'slow bodies', width: 200, once: sendSlowly },
  {
    name: 'deep JSON',
    width: 16,
    once: ({ url, appToken }, signal) =>
      post(`${url}/api/v1/encrypt`, { token: appToken, body: DEEP, signal }),
  },
  {
    name: 'wide JSON',
    width: 8,
    once: ({ url, appToken }, signal) =>
      post(`${url}/api/v1/encrypt/batch`, { token: appToken, body: WIDE, signal }),
  },
  {
    name: 'JSON of many members',
    width: 8,
    once: ({ url, appToken }, signal) =>
      post(`${url}/api/v1/encrypt/batch`, { token: appToken, body: MANY_MEMBERS, signal }),
  },
  {
    name: 'JSON of escapes',
    width: 8,
    once: ({ url, appToken }, signal) =>
      post(`${url}/api/v1/encrypt/batch`, { token: appToken, body: ESCAPES, signal }),
  },
  {
    name: 'wrong tokens',
    width: 32,
    once: ({ url }, signal) => {
      const token = `coffre_${crypto.randomUUID()}`
      return post(`${url}/api/v1/encrypt`, { token, body: '{}', signal })
    },
  },
  {
    name: 'passphrases for a Coffre that has none',
    width: 32,
    once: ({ url }, signal) =>
      post(`${url}/api/v1/unseal`, { body: '{"passphrase":"correct horse battery staple"}', signal }),
  },
  {
    name: 'RSA-4096 keys',
    width: 32,
    once: ({ url, adminToken }, signal) => {
      const body = JSON.stringify({
        name: `k-${crypto.randomUUID()}`,
        algorithm: 'rsa-4096',
        purpose: 'sign',
      })
      return post(`${url}/api/v1/keys`, { token: adminToken, body, signal })
    },
  },
]

interface Sent {
  readonly token?: string
  readonly body: string
  readonly signal: AbortSignal
}

/** Whatever comes back, and a connection that is cut, is an answer to an attacker. */
async function post(url: string, { token, body, signal }: Sent): Promise<void> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal })
    await answer.arrayBuffer()
  } catch {
    // Refused in the middle of the body, or told to stop.
  }
}

/** A head that promises a body, of which one byte comes now and then. */
function sendSlowly({ url, appToken }: Target, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    const trickle = setInterval(() => socket.write('x'), SLOW_SOCKET_MS / 10)
    const end = () => {
      clearInterval(trickle)
      clearTimeout(enough)
      signal.removeEventListener('abort', end)
      socket.destroy()
      resolve()
    }
    const enough = setTimeout(end, SLOW_SOCKET_MS)
    signal.addEventListener('abort', end)
    socket.on('error', end).on('close', end)
    socket.write(
      `POST /api/v1/encrypt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${appToken}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n`,
    )
  })
}
