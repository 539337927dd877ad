import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoffre, serve } from '../src/app.ts'
import { connectCoffre } from '../src/client/connect-coffre.ts'
import type { Coffre } from '../src/model/coffre.ts'
import type { ByteStream } from '../src/model/streams.ts'

// A stream is encrypted and its result decrypted at once, through each surface in a process of its own, against bare
// AES-256-GCM over the same bytes in the same run. COFFRE_BENCH_MIB=10240 for 10 GiB.

const MIB = 1024 * 1024
const TOTAL_BYTES = Number(process.env['COFFRE_BENCH_MIB'] ?? 64) * MIB
const PIECE = randomBytes(64 * 1024)

const SURFACES: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  bare: async () => runBare(),
  library: async (dataDir) => {
    const coffre = await openCoffre({ dataDir, createIfMissing: true })
    await roundTrip(coffre)
    await coffre.close()
  },
  server: async (dataDir) => {
    const server = await serve({
      dataDir,
      createIfMissing: true,
      host: '127.0.0.1',
      port: 0,
      logLevel: 'warn',
    })
    process.send?.({ url: server.url, token: readFileSync(server.firstTokenFile, 'utf8').trim() })
    await new Promise((resolve) => process.once('message', resolve))
    await server.close()
  },
}

function runBare(): void {
  const [key, nonce] = [randomBytes(32), randomBytes(12)]
  const [cipher, decipher] = [
    createCipheriv('aes-256-gcm', key, nonce),
    createDecipheriv('aes-256-gcm', key, nonce),
  ]
  for (let done = 0; done < TOTAL_BYTES; done += PIECE.length) decipher.update(cipher.update(PIECE))
  cipher.final()
  decipher.setAuthTag(cipher.getAuthTag())
  decipher.final()
}

function source(): ByteStream {
  let done = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (done >= TOTAL_BYTES) controller.close()
        else controller.enqueue(PIECE)
        done += PIECE.length
      },
    },
    { highWaterMark: 0 },
  )
}

async function roundTrip(coffre: Coffre): Promise<void> {
  await coffre.keys.create({ name: 'bench' })
  const opened = await coffre.decryptStream(await coffre.encryptStream(source(), { key: 'bench' }))
  let bytes = 0
  for await (const piece of opened) bytes += piece.length
  if (bytes !== TOTAL_BYTES) throw new Error(`${bytes} of ${TOTAL_BYTES} bytes came back`)
}

/** CPU time of a whole process: the clock would show what else the machine does. */
interface Figures {
  readonly seconds: number
  readonly rssMib: number
}

/** `process.resourceUsage` is for the whole life of a process, so each surface has one. */
async function runChild(surface: string): Promise<Figures> {
  const { status, stdout } = spawnSync(process.execPath, [import.meta.filename, surface], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${surface} ended with ${status}`)
  return JSON.parse(String(stdout)) as Figures
}

async function timed(work: () => Promise<void>): Promise<Figures> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return { seconds: (user + system) / 1e6, rssMib: process.resourceUsage().maxRSS / 1_024 }
}

async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The server in one process, the client in this one. */
async function runHttp(): Promise<{ readonly client: Figures; readonly server: Figures }> {
  const child = spawn(process.execPath, [import.meta.filename, 'server'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const { url, token } = await nextMessage<{ url: string; token: string }>(child)
  const client = await timed(() => roundTrip(connectCoffre(url, token)))
  const figures = nextMessage<Figures>(child)
  child.send('stop')
  return { client, server: await figures }
}

async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const [message] = (await once(child, 'message')) as [Message]
  return message
}

async function main(): Promise<void> {
  const bare = await runChild('bare')
  const tell = (name: string, { seconds, rssMib }: Figures) => {
    const speed = `${(TOTAL_BYTES / seconds / 1e6).toFixed(0)} MB/s`
    const ratio = `${(bare.seconds / seconds).toFixed(2)} of bare`
    console.log(`${name.padEnd(28)}${speed.padStart(10)}   ${ratio}   ${rssMib.toFixed(0)} MiB at most`)
  }
  console.log(`${TOTAL_BYTES / MIB} MiB, encrypted and decrypted; bytes by second of CPU`)
  tell('bare', bare)
  tell('library', await runChild('library'))
  const { client, server } = await runHttp()
  tell('HTTP, client', client)
  tell('HTTP, server', server)
}

const [, , surface] = process.argv
const run = surface === undefined ? undefined : SURFACES[surface]
if (run === undefined) await main()
else {
  const figures = await withFolder((folder) => timed(() => run(folder)))
  if (process.send === undefined) console.log(JSON.stringify(figures))
  else process.send(figures, undefined, undefined, () => process.disconnect?.())
}
