import assert from 'node:assert/strict'
import { Secret } from '../../src/model/secret.ts'
import { makeBucket } from '../conformance/object/s3-target.ts'
import { FaultyProxy } from '../faulty-proxy.ts'
import type { S3Server } from '../s3-server.ts'
import type { Scope } from '../temporary.ts'
import { BackupKillPlace, type KillCommand, type KillTotals } from './kill-backup.ts'

const SMALL_BYTES = 1_200_000
/** Three parts of an upload: 8, 8 and 1 MiB. */
const LARGE_BYTES = 17 * 1024 * 1024
const UNAVAILABLE = 5

interface KillOptions {
  readonly commands: readonly KillCommand[]
  /** Of each command; absent: at every call or request. */
  readonly count?: number
  readonly tell: (line: string) => void
}

/** Kills each command on a folder before each of its calls to the disk, or before `count` of them. */
export async function killOnFolder(
  scope: Scope,
  {
    commands,
    count,
    tell,
  }: { commands: readonly KillCommand[]; count?: number; tell: (line: string) => void },
): Promise<void> {
  const place = await BackupKillPlace.make(scope, SMALL_BYTES)
  for (const command of commands) {
    const calls = (await place.killAtCall(command, 0)) ?? assert.fail('it was killed')
    assert.ok(calls > 5, `${command}: only ${calls} calls were counted`)
    const kills = Math.min(count ?? calls, calls)
    const before = { ...place.totals }
    for (let kill = 0; kill < kills; kill += 1) {
      const at = kills === 1 ? calls : 1 + Math.round((kill * (calls - 1)) / (kills - 1))
      await place.killAtCall(command, at)
    }
    tell(`folder, ${command}: ${difference(place.totals, before)} at ${calls} calls`)
  }
}

/**
 * What ends at request n of a command. `before`: the program, before the request arrives; `after`: the program, once it is done.
 * `network`: from then on nothing arrives. `server`: kill -9 of it, half of the request in.
 */
export const BUCKET_ENDS = ['before', 'after', 'network', 'server'] as const
export type BucketEnd = (typeof BUCKET_ENDS)[number]

/** Ends something at every request of each command, or at `count` of them. */
export async function killOnBucket(
  scope: Scope,
  server: S3Server,
  { commands, count, tell, ends }: KillOptions & { readonly ends: readonly BucketEnd[] },
): Promise<void> {
  const proxy = await FaultyProxy.start(scope, server.port)
  const place = await BackupKillPlace.make(scope, LARGE_BYTES, await describeBucket(server, proxy))
  for (const command of commands) {
    proxy.arm(() => undefined)
    const { code, error } = await place.start(await place.prepare(command)).ended()
    assert.equal(code, 0, error)
    const requests = proxy.requests
    await place.check(command, true)
    for (const end of ends) {
      const before = { ...place.totals }
      const kills = Math.min(count ?? requests, requests)
      for (let kill = 0; kill < kills; kill += 1) {
        const at = kills === 1 ? requests - 2 : 1 + Math.round((kill * (requests - 1)) / (kills - 1))
        await endAt({ place, proxy, server, command, end, at })
      }
      tell(`bucket, ${command}, ${end}: ${difference(place.totals, before)} at ${requests} requests`)
    }
  }
}

async function endAt(parts: {
  readonly place: BackupKillPlace
  readonly proxy: FaultyProxy
  readonly server: S3Server
  readonly command: KillCommand
  readonly end: BucketEnd
  readonly at: number
}): Promise<void> {
  const { place, proxy, server, command, end, at } = parts
  const words = await place.prepare(command)
  let killing: Promise<void> | undefined
  const running = place.start(words)
  proxy.arm(
    (number) => {
      if (number < at) return undefined
      if (end === 'server') return number === at ? 'half' : 'before'
      return end === 'after' && number === at ? 'after' : 'before'
    },
    () => {
      if (end === 'server') killing ??= server.kill()
      else if (end !== 'network') running.kill()
    },
  )
  const { code, signal, error } = await running.ended()
  const faults = proxy.faults
  proxy.arm(() => undefined)
  if (killing !== undefined) {
    await killing
    await server.start()
  }
  const isDone = code === 0
  const isEnded = end === 'network' || end === 'server' ? code === UNAVAILABLE : signal === 'SIGKILL'
  assert.ok(
    isDone ? faults === 0 || end === 'network' : isEnded,
    `${command}, ${end} at ${at}: ${code} ${error}`,
  )
  await place.check(command, isDone)
}

async function describeBucket(server: S3Server, proxy: FaultyProxy) {
  const bucket = await makeBucket(server)
  const endpoint = `http://127.0.0.1:${proxy.port}`
  const { region, accessKeyId, secretAccessKey } = server
  return {
    target: `s3://${bucket}/coffre`,
    environment: {
      COFFRE_S3_ENDPOINT: endpoint,
      COFFRE_S3_REGION: region,
      COFFRE_S3_ACCESS_KEY_ID: accessKeyId,
      COFFRE_S3_SECRET_ACCESS_KEY: secretAccessKey,
    },
    s3: { endpoint, region, credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) } },
  }
}

function difference(totals: KillTotals, before: KillTotals): string {
  const { kills, wereDone, orphans } = totals
  return `${kills - before.kills} ends, ${wereDone - before.wereDone} already done, ${orphans - before.orphans} orphans removed`
}
