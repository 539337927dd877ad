import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { DEFAULT_PORT } from '../../src/config.ts'
import { BODY_TIMEOUT_MS } from '../../src/http/raw-refusal.ts'
import { CoffreProcess, MAIN, startServer } from '../cli/coffre-process.ts'
import { DEPLOY, findCommandMistake, findUnknownVariables, readDeployed, ROOT } from './known-names.ts'

const DOCKERFILE = 'docker/Dockerfile'
const PACKAGE = z.object({ version: z.string(), scripts: z.record(z.string(), z.string()) })
const RUNTIME = z.object({ optionalDependencies: z.record(z.string(), z.string()) })

interface Instruction {
  readonly name: string
  readonly rest: string
}

function readInstructions(): Instruction[] {
  const lines = readDeployed(DOCKERFILE)
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(/\s+/)
      return { name, rest: rest.join(' ') }
    })
}

const instructions = readInstructions()

function all(name: string): string[] {
  return instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest)
}

/** What is copied from the checkout; options and the target left out. */
function copiedFromCheckout(): string[] {
  const copies = all('COPY').filter((rest) => !rest.includes('--from='))
  return copies.flatMap((rest) =>
    rest
      .split(' ')
      .filter((word) => !word.startsWith('--'))
      .slice(0, -1),
  )
}

describe('deploy/docker/Dockerfile', () => {
  test('copies what a checkout has and what its .dockerignore lets in', () => {
    const ignore = readDeployed('docker/Dockerfile.dockerignore').split('\n')
    assert.ok(ignore.includes('*'), 'nothing comes in that is not named')
    const copied = copiedFromCheckout()
    assert.ok(copied.length > 8)
    for (const path of copied) {
      assert.ok(existsSync(join(ROOT, path)), `${path} is there`)
      assert.ok(ignore.includes(`!${path.split('/')[0]}`), `${path} is let in`)
    }
  })

  test('runs scripts that package.json has, on the Node that Coffre is developed with', () => {
    const { scripts } = PACKAGE.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))
    const run = all('RUN').flatMap((rest) => [...rest.matchAll(/npm run (\S+)/g)].map((match) => match[1]))
    assert.deepEqual(run, ['build'])
    assert.ok('build' in scripts)
    const runtime = RUNTIME.parse(JSON.parse(readFileSync(join(ROOT, 'tools/runtime/package.json'), 'utf8')))
    const pinned = Object.values(runtime.optionalDependencies)[0] ?? ''
    assert.deepEqual(all('ARG'), [`NODE_IMAGE=node:${pinned}-bookworm-slim`])
    for (const from of all('FROM')) assert.match(from, /^\$\{NODE_IMAGE\}( AS \w+)?$/)
  })

  test('ends as a numbered user who is not root, with the port and the command of Coffre', () => {
    assert.deepEqual(all('USER'), [`${DEFAULT_PORT}:${DEFAULT_PORT}`])
    assert.deepEqual(all('EXPOSE'), [String(DEFAULT_PORT)])
    assert.deepEqual(all('ENTRYPOINT'), ['["coffre"]'])
    assert.deepEqual(all('CMD'), ['["serve"]'])
    assert.equal(findCommandMistake(['serve']), undefined)
    assert.deepEqual(findUnknownVariables(readDeployed(DOCKERFILE)), [])
    const secret = /(SECRET|TOKEN|PASSPHRASE|SEAL_KEY)[A-Z_]*=/
    assert.doesNotMatch(readDeployed(DOCKERFILE), secret, 'no secret in a layer')
  })

  test('its health check is green while Coffre is unsealed and red when it is gone', async (t) => {
    const [line = ''] = all('HEALTHCHECK')
    const command = line.slice(line.indexOf('CMD ') + 'CMD '.length)
    assert.equal(findCommandMistake(command.split(' ').slice(1, 3)), undefined)
    const cli = new CoffreProcess(t)
    mkdirSync(cli.path('bin'))
    writeFileSync(cli.path('bin/coffre'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
    chmodSync(cli.path('bin/coffre'), 0o755)
    const server = await startServer(t, cli)
    const path = `${cli.path('bin')}:/usr/bin:/bin`
    const env = { ...cli.baseEnvironment(), PATH: path, COFFRE_ADDR: server.url }
    const check = () => spawnSync('/bin/sh', ['-c', command], { env, encoding: 'utf8' }).status
    assert.equal(check(), 0)
    await server.stop()
    assert.equal(check(), 1)
  })
})

const SERVICE = z.object({
  build: z.object({ context: z.string(), dockerfile: z.string() }),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  ulimits: z.object({ core: z.literal(0) }),
  mem_limit: z.string(),
  memswap_limit: z.string(),
  stop_grace_period: z.string().regex(/^\d+s$/),
  environment: z.record(z.string().startsWith('COFFRE_'), z.string()),
  ports: z.array(z.string()),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()),
})
const COMPOSE = z.object({
  services: z.record(z.string(), z.object({ image: z.string() }).loose()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
})

function readCompose(file: string) {
  const compose = COMPOSE.parse(parse(readDeployed(file), { merge: true }))
  const ours = Object.values(compose.services).filter(({ image }) => image === 'coffre')
  return { ...compose, nodes: ours.map((service) => SERVICE.parse(service)) }
}

describe('deploy/docker/compose*.yaml', () => {
  const files = globSync('docker/compose*.yaml', { cwd: DEPLOY })

  test('are one node on its own store, and two on PostgreSQL', () => {
    const nodes = Object.fromEntries(files.map((file) => [basename(file), readCompose(file).nodes.length]))
    assert.deepEqual(nodes, { 'compose.yaml': 1, 'compose.postgres.yaml': 2 })
  })

  for (const file of files) {
    test(`${basename(file)} confines Coffre and names only what there is`, () => {
      const { nodes, secrets, volumes } = readCompose(file)
      assert.deepEqual(findUnknownVariables(readDeployed(file)), [])
      for (const node of nodes) {
        const context = resolve(DEPLOY, dirname(file), node.build.context)
        assert.equal(context, ROOT)
        assert.ok(existsSync(join(context, node.build.dockerfile)))
        assert.equal(node.memswap_limit, node.mem_limit, 'no swap')
        assert.ok(Number.parseInt(node.stop_grace_period, 10) * 1_000 > BODY_TIMEOUT_MS)
        for (const port of node.ports)
          assert.match(port, new RegExp(`^127\\.0\\.0\\.1:\\d+:${DEFAULT_PORT}$`))
        for (const secret of node.secrets) assert.ok(secret in secrets, secret)
        for (const volume of node.volumes) assert.ok((volume.split(':')[0] ?? '') in volumes, volume)
        for (const [name, value] of Object.entries(node.environment)) {
          if (!name.endsWith('_FILE')) continue
          const secret = /^\/run\/secrets\/(.+)$/.exec(value)?.[1] ?? ''
          assert.ok(node.secrets.includes(secret), `${name} is one of its secrets`)
        }
      }
    })
  }
})
