import { parseArgs } from 'node:util'
import { MotoServer } from '../../test/moto-server.ts'
import { BUCKET_ENDS, killOnBucket, killOnFolder } from '../../test/recovery/kill-backup-places.ts'
import { SwiftServer } from '../../test/swift-server.ts'
import { VersityServer } from '../../test/versity-server.ts'
import { readNumber } from '../campaign-options.ts'

/**
 * kill -9 of `coffre backup create|rekey|prune|restore` before each of its calls to the disk (a folder), or at each of its
 * requests (a bucket); there the network and the server are taken away at each request too.
 */
export const usage = ['[--on folder|moto|swift|versity] [--command create,…] [--end before,…] [--count N]']

const COMMANDS = ['create', 'rekey', 'prune', 'restore'] as const
const SERVERS = { moto: MotoServer, swift: SwiftServer, versity: VersityServer }

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: { on: text, command: text, end: text, count: text },
  })
  const { on = 'folder' } = values
  const commands = choose('command', values.command, COMMANDS)
  const ends = choose('end', values.end, BUCKET_ENDS)
  const count = values.count === undefined ? {} : { count: readNumber('count', values.count, { absent: 1 }) }
  const tell = (line: string) => console.log(`  ${line}`)
  console.log(`backup-kill: on ${on}`)
  const after: (() => Promise<void> | void)[] = []
  const scope = { after: (work: () => Promise<void> | void) => void after.push(work) }
  try {
    if (on === 'folder') await killOnFolder(scope, { commands, ...count, tell })
    else
      await onServer(serverOf(on), async (server) =>
        killOnBucket(scope, server, { commands, ends, ...count, tell }),
      )
    return 0
  } finally {
    for (const work of after.toReversed()) await work()
  }
}

async function onServer(
  server: MotoServer | SwiftServer | VersityServer,
  work: (server: MotoServer | SwiftServer | VersityServer) => Promise<void>,
): Promise<void> {
  try {
    await server.start()
    await work(server)
  } finally {
    await server.remove()
  }
}

function serverOf(name: string): MotoServer | SwiftServer | VersityServer {
  if (name !== 'moto' && name !== 'swift' && name !== 'versity')
    throw new RangeError('--on is folder, moto, swift or versity')
  return new SERVERS[name]()
}

function choose<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): readonly Name[] {
  if (text === undefined) return names
  const given = text.split(',')
  const chosen = names.filter((name) => given.includes(name))
  if (chosen.length !== given.length) throw new RangeError(`--${option} is some of ${names.join(',')}`)
  return chosen
}
