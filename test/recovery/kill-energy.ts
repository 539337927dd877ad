import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Application } from '../../examples/energy/application.ts'
import { serverFile } from '../../examples/energy/connection.ts'
import { drawFrom, EnergyData } from '../../examples/energy/generator.ts'
import { PHASES, type Phase } from '../../examples/energy/reporter.ts'
import { KEY_NAME, type Summary } from '../../examples/energy/scenario.ts'
import { openCoffre } from '../../src/app.ts'

const RUN = resolve(import.meta.dirname, '../../examples/energy/run.ts')
/** After the event that a kill waits for, so that it falls inside a commit as well as between two. */
const MAX_DELAY_MS = 12
const READ_PAGE = 200

export interface Campaign {
  readonly folder: string
  readonly kills: number
  readonly days: number
  /** Of the moments; the same seed aims at the same ones. */
  readonly seed: number
  /** `library`: the application dies with the Coffre in it. `http`: the server dies under the application. */
  readonly via: 'library' | 'http'
  readonly tell?: (text: string) => void
}

export interface CampaignResult {
  readonly kills: number
  /** How many kills fell in each phase. */
  readonly byPhase: Readonly<Record<Phase, number>>
  readonly summary: Summary
}

interface Moment {
  readonly phase: Phase
  /** From 0 to 1 of the phase. */
  readonly share: number
  readonly delayMs: number
}

/** Kills the energy example again and again, checks what it left each time, and lets the last run finish. */
export async function killEnergy(campaign: Campaign): Promise<CampaignResult> {
  const byPhase = { write: 0, rewrap: 0, retire: 0, compare: 0 }
  let stored = 0
  for (const moment of chooseMoments(campaign)) {
    const diedIn = await killAt(campaign, moment)
    const left = await checkWhatIsLeft(campaign)
    assert.ok(left >= stored, `${stored - left} acknowledged documents are gone`)
    stored = left
    byPhase[diedIn] += 1
    campaign.tell?.(`killed in ${diedIn}: ${stored} documents acknowledged, all decrypt, audit verifies`)
  }
  const summary = await finish(campaign)
  return { kills: campaign.kills, byPhase, summary }
}

/** In the order of the example, so that the last runs do not find everything done. Half fall while writing. */
function chooseMoments({ seed, kills }: Campaign): readonly Moment[] {
  const draw = drawFrom(seed)
  const places = Array.from({ length: kills }, () => draw() * 2)
  return places
    .toSorted((left, right) => left - right)
    .map((place) => ({ ...placeOf(place), delayMs: draw() * MAX_DELAY_MS }))
}

function placeOf(place: number): Pick<Moment, 'phase' | 'share'> {
  if (place < 1) return { phase: 'write', share: place }
  if (place < 1.6) return { phase: 'rewrap', share: (place - 1) / 0.6 }
  if (place < 1.7) return { phase: 'retire', share: 0 }
  return { phase: 'compare', share: (place - 1.7) / 0.3 }
}

/** Answers the phase in which it died. */
async function killAt(campaign: Campaign, moment: Moment): Promise<Phase> {
  const child = startRun(campaign)
  const gone = once(child, 'close')
  assert.ok(child.stderr)
  let phase: Phase = 'write'
  let killed = false
  for await (const line of createInterface({ input: child.stderr })) {
    const event = parseEvent(line)
    phase = phaseOf(event) ?? phase
    if (killed || !isReached(event, moment)) continue
    killed = true
    setTimeout(() => kill(campaign, child), moment.delayMs)
  }
  const [code] = (await gone) as [number | null]
  assert.ok(killed, 'the moment never came')
  // A run that finished before the kill reached it was not killed, which a later check would not see.
  if (code === 0) campaign.tell?.('the run was faster than this kill')
  return phase
}

function startRun({ folder, days, via }: Campaign): ChildProcess {
  const options = ['--package', 'source', '--progress', '--json']
  const choice = ['--data-dir', folder, '--days', String(days), '--via', via]
  return spawn(process.execPath, [RUN, ...options, ...choice], { stdio: ['ignore', 'pipe', 'pipe'] })
}

function kill({ via, folder }: Campaign, child: ChildProcess): void {
  if (via === 'library') {
    child.kill('SIGKILL')
    return
  }
  const { pid } = JSON.parse(readFileSync(serverFile(folder), 'utf8')) as { readonly pid: number }
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The run was faster and has stopped its server already.
  }
}

interface RunEvent {
  readonly event?: string
  readonly phase?: Phase
  readonly done?: number
  readonly total?: number
}

/** An error of the run is text over several lines; whatever is no event is none. */
function parseEvent(line: string): RunEvent {
  return line.startsWith('{"event"') ? (JSON.parse(line) as RunEvent) : {}
}

function phaseOf({ event, phase }: RunEvent): Phase | undefined {
  return event === 'destruction refused' || event === 'floor raised' ? 'retire' : phase
}

/** Also when the run is past it: what an earlier run did is not done again. */
function isReached(event: RunEvent, moment: Moment): boolean {
  const phase = phaseOf(event)
  if (phase === undefined) return false
  const [at, wanted] = [PHASES.indexOf(phase), PHASES.indexOf(moment.phase)]
  if (at !== wanted) return at > wanted
  return (event.done ?? 0) >= moment.share * (event.total ?? 0) - 1
}

/** Every acknowledged ciphertext decrypts, one version is active, the log verifies. Answers how many there are. */
async function checkWhatIsLeft({ folder, days }: Campaign): Promise<number> {
  const coffre = await openCoffre({ dataDir: join(folder, 'coffre') })
  const application = new Application(join(folder, 'application.db'))
  try {
    const data = new EnergyData({ seed: 1, days })
    let last = -1
    for (
      let page = application.page(last, READ_PAGE);
      page.length > 0;
      page = application.page(last, READ_PAGE)
    ) {
      const opened = await coffre.batch('decrypt', page)
      for (const [index, item] of opened.entries()) {
        const row = page[index]
        assert.ok(row && item.ok, `document ${row?.position} does not decrypt`)
        assert.equal(Buffer.from(item.value.plaintext).toString(), data.at(row.position).text)
        assert.equal(item.value.version, row.version)
        last = row.position
      }
    }
    const { versions } = await coffre.keys.get(KEY_NAME)
    assert.equal(versions.filter(({ state }) => state === 'active').length, 1)
    assert.equal((await coffre.audit.verify()).valid, true)
    return application.size
  } finally {
    application.close()
    await coffre.close()
  }
}

async function finish(campaign: Campaign): Promise<Summary> {
  const child = startRun(campaign)
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout?.on('data', (piece: Buffer) => output.push(piece))
  child.stderr?.on('data', (piece: Buffer) => errors.push(piece))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, Buffer.concat(errors).toString())
  return JSON.parse(Buffer.concat(output).toString()) as Summary
}
