import { openMemberCore } from './app.ts'
import { dropFernetKey } from './app-fernet.ts'
import { listenOver, type ServeOptions, type Serving } from './app-serve.ts'
import { fromChannel, toChannel } from './http/worker/channel-value.ts'
import { callOperator, remoteOperator } from './http/worker/remote-operator.ts'
import type { Question } from './http/worker/messages.ts'
import { ParentLink } from './http/worker/parent-link.ts'
import { WorkerGroup } from './http/worker/worker-group.ts'
import { toWrapped, type Wrapped } from './model/wrapped.ts'
import { answerForGroup, GroupMetrics } from './monitor/metrics.ts'
import { createTransportKey, readTransportKey } from './seal/transport-key.ts'
import { CallerCoffre } from './service/caller-coffre.ts'
import { UNCONFINED } from './service/policy/access.ts'
import type { Core } from './service/operator/core.ts'

/** Beside this file, in `src` as in `dist`. */
const WORKER_SCRIPT = import.meta.filename.replace(/app-workers(\.[jt]s)$/, 'worker$1')

/** Starts `options.workers` processes on one address. `core` is this process's, which serves nothing itself. */
export async function startWorkers(core: Core, options: ServeOptions): Promise<Serving> {
  const transport = createTransportKey()
  const metrics = new GroupMetrics()
  const root = () => {
    const wrapped = core.wrapRootFor(transport.key)
    return wrapped === undefined ? {} : { root: Buffer.from(wrapped).toString('base64') }
  }
  const group = new WorkerGroup({
    script: WORKER_SCRIPT,
    count: options.workers ?? 1,
    start: () => ({ kind: 'start', options: forWorker(options), transportKey: transport.text, ...root() }),
    root: () => ({ kind: 'root', ...root() }),
    answer: (question) => answer(question, { core, metrics }),
    onLost: ({ pid, reason }) =>
      process.stderr.write(`${JSON.stringify({ level: 'warn', msg: 'worker lost', pid, reason })}\n`),
  })
  core.whenRootChanges(() => group.tellRoot())
  try {
    return { url: await group.start(), close: () => group.stop() }
  } catch (error) {
    await group.stop()
    throw error
  }
}

/** What a worker needs. The secret of a seal is not in it: the root key comes from the parent. */
function forWorker(options: ServeOptions): unknown {
  const { seal: _seal, clock: _clock, environment: _environment, workers: _workers, ...plain } = options
  return toChannel(plain)
}

interface Parent {
  readonly core: Core
  readonly metrics: GroupMetrics
}

async function answer(question: Question, { core, metrics }: Parent): Promise<unknown> {
  if (question.about === 'metrics') return metrics.render()
  const caller = { ...question.caller, access: UNCONFINED }
  return callOperator(new CallerCoffre(core, caller).operator, question)
}

/** The life of one worker: until its parent stops it, or is gone. */
export async function runWorker(): Promise<void> {
  answerForGroup()
  const link = new ParentLink()
  const { options, transportKey, root } = await link.begin()
  try {
    // Our own parent has sent what `forWorker` made.
    await serveMember(link, fromChannel(options) as ServeOptions, { transportKey, root })
  } catch (error) {
    link.tellFailed(error)
    link.leave()
  }
}

interface GivenRoot {
  readonly transportKey: string
  readonly root: string | undefined
}

async function serveMember(link: ParentLink, options: ServeOptions, given: GivenRoot): Promise<void> {
  const transport = readTransportKey(given.transportKey)
  const core = await openMemberCore(options, (caller) =>
    remoteOperator(caller, (call) => link.ask({ about: 'operator', ...call })),
  )
  dropFernetKey(process.env)
  core.takeRoot(transport, parseRoot(given.root))
  link.whenRootChanges((root) => core.takeRoot(transport, parseRoot(root)))
  const renderMetrics = async () => String(await link.ask({ about: 'metrics' }))
  const { url, close } = await listenOver(core, options, renderMetrics)
  link.whenStopped(async () => {
    await close()
    await core.close()
    link.leave()
  })
  link.tellListening(url)
}

function parseRoot(root: string | undefined): Wrapped | undefined {
  return root === undefined ? undefined : toWrapped(new Uint8Array(Buffer.from(root, 'base64')))
}
