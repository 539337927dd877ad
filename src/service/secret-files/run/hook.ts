import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { askStatus } from './ask.ts'
import { runProgram } from './run-program.ts'
import { type ProbedKeys, probeSession, type SessionProbe } from './session-probe.ts'

export interface Hooks {
  /** A command line that restarts the application; it has to end. */
  readonly restart?: string
  /** A file with the process id that gets SIGHUP. */
  readonly reloadPidFile?: string
  /** A command line, or an http(s) address, that tells whether the application works. */
  readonly probe?: string
  /** Asks the application with a session under the new key. */
  readonly sessionProbe?: SessionProbe
}

export interface HookPlace {
  readonly folder: string
  /** How long the application has to come up. */
  readonly probeSeconds: number
}

const RESTART_MILLISECONDS = 120_000
const ATTEMPT_MILLISECONDS = 10_000
const PAUSE_MILLISECONDS = 250
const MAX_PID_CHARACTERS = 16

/**
 * Whether the application took the new files up: restarted or reloaded, then probed until it answers or time is up, then
 * asked with a session under the new key in what is left of that time.
 */
export async function takeUp(
  hooks: Hooks,
  place: HookPlace,
  keys: ProbedKeys,
): Promise<'ok' | 'restart' | 'probe' | 'session'> {
  if (!(await restart(hooks, place))) return 'restart'
  const { probe, sessionProbe } = hooks
  const end = performance.now() + place.probeSeconds * 1_000
  if (probe !== undefined && !(await until(() => isUp(probe, place.folder), end))) return 'probe'
  const isTaken = sessionProbe === undefined || (await until(() => probeSession(sessionProbe, keys), end))
  return isTaken ? 'ok' : 'session'
}

export async function restart({ restart: line, reloadPidFile }: Hooks, place: HookPlace): Promise<boolean> {
  if (line !== undefined && !(await runLine(line, place.folder, RESTART_MILLISECONDS))) return false
  return reloadPidFile === undefined || reload(reloadPidFile)
}

async function reload(pidFile: string): Promise<boolean> {
  const text = await readFile(pidFile, 'latin1').catch(() => '')
  const pid = text.length <= MAX_PID_CHARACTERS ? Number(text.trim()) : Number.NaN
  if (!Number.isSafeInteger(pid) || pid < 2) return false
  try {
    return process.kill(pid, 'SIGHUP')
  } catch {
    return false
  }
}

async function isUp(probe: string, folder: string): Promise<boolean> {
  if (!/^https?:\/\//.test(probe)) return runLine(probe, folder, ATTEMPT_MILLISECONDS)
  const status = await askStatus(probe)
  return status !== undefined && status >= 200 && status < 300
}

/** At least once, however little time there is. */
async function until(isDone: () => Promise<boolean>, end: number): Promise<boolean> {
  for (;;) {
    if (await isDone()) return true
    if (performance.now() >= end) return false
    await setTimeout(PAUSE_MILLISECONDS)
  }
}

/** Neither key is in the environment of a hook. */
async function runLine(line: string, folder: string, maxMilliseconds: number): Promise<boolean> {
  const { code } = await runProgram({ command: '/bin/sh', args: ['-c', line], folder, maxMilliseconds })
  return code === 0
}
