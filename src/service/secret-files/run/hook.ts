import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { runProgram } from './run-program.ts'

export interface Hooks {
  /** A command line that restarts the application; it has to end. */
  readonly restart?: string
  /** A file with the process id that gets SIGHUP. */
  readonly reloadPidFile?: string
  /** A command line, or an http(s) address, that tells whether the application works. */
  readonly probe?: string
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

/** Whether the application took the new files up: restarted or reloaded, then probed until it answers or time is up. */
export async function takeUp(hooks: Hooks, place: HookPlace): Promise<'ok' | 'restart' | 'probe'> {
  if (!(await restart(hooks, place))) return 'restart'
  return hooks.probe === undefined || (await probeUntil(hooks.probe, place)) ? 'ok' : 'probe'
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

async function probeUntil(probe: string, { folder, probeSeconds }: HookPlace): Promise<boolean> {
  const end = performance.now() + probeSeconds * 1_000
  for (;;) {
    const works = /^https?:\/\//.test(probe)
      ? await ask(probe)
      : await runLine(probe, folder, ATTEMPT_MILLISECONDS)
    if (works) return true
    if (performance.now() >= end) return false
    await setTimeout(PAUSE_MILLISECONDS)
  }
}

async function ask(address: string): Promise<boolean> {
  try {
    const answer = await fetch(address, {
      redirect: 'manual',
      signal: AbortSignal.timeout(ATTEMPT_MILLISECONDS),
    })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}

/** Neither key is in the environment of a hook. */
async function runLine(line: string, folder: string, maxMilliseconds: number): Promise<boolean> {
  const { code } = await runProgram({ command: '/bin/sh', args: ['-c', line], folder, maxMilliseconds })
  return code === 0
}
