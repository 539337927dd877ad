import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from './redis-server.ts'
import { type S3Server, ServerProcesses } from './s3-server.ts'
import type { Scope } from './temporary.ts'

const MEMCACHED = '/usr/bin/memcached'
const STORAGE = ['account', 'container', 'object'] as const

/** Why its tests cannot run here, or false. */
export const NO_SWIFT: string | false = [MEMCACHED, ...[...STORAGE, 'proxy'].map(programOf)].every((path) =>
  existsSync(path),
)
  ? false
  : 'OpenStack Swift is not installed: apt-get install swift-proxy swift-account swift-container swift-object memcached'

/** OpenStack Swift with its S3 interface, on free ports of this machine, in a folder of its own. It ends with the test. */
export async function startSwift(scope: Scope): Promise<SwiftServer> {
  const server = new SwiftServer()
  scope.after(() => server.remove())
  await server.start()
  return server
}

export class SwiftServer implements S3Server {
  readonly region = 'us-east-1'
  readonly accessKeyId = 'test:tester'
  readonly secretAccessKey = 'testing-swift'
  readonly #folder = mkdtempSync(join(tmpdir(), 'coffre-swift-'))
  readonly #processes = new ServerProcesses()
  readonly #ports = new Map<string, number>()

  get port(): number {
    return this.#ports.get('proxy') ?? 0
  }

  async start(): Promise<void> {
    if (this.#ports.size === 0) await this.#initialise()
    await Promise.all(
      [...this.#ports].map(([name, port]) => this.#processes.start(this.#commandOf(name, port), port)),
    )
  }

  async kill(): Promise<void> {
    await this.#processes.kill()
  }

  async remove(): Promise<void> {
    await this.#processes.end()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #initialise(): Promise<void> {
    const devices = join(this.#folder, 'devices')
    mkdirSync(join(devices, 'd1'), { recursive: true })
    this.#write('swift.conf', SWIFT_CONF)
    for (const name of STORAGE) {
      const port = await findFreePort()
      this.#ports.set(name, port)
      this.#makeRing(name, port)
      this.#write(
        `${name}.conf`,
        `${this.#common(port)}devices = ${devices}\nmount_check = false\n${storageConf(name)}`,
      )
    }
    const [cache, port] = [await findFreePort(), await findFreePort()]
    this.#ports.set('cache', cache).set('proxy', port)
    this.#write('proxy.conf', `${this.#common(port)}${proxyConf(this.secretAccessKey, cache)}`)
  }

  #commandOf(name: string, port: number): [string, ...string[]] {
    if (name !== 'cache') return [programOf(name), join(this.#folder, `${name}.conf`)]
    return [MEMCACHED, '-l', '127.0.0.1', '-p', String(port), '-m', '16', '-u', userInfo().username]
  }

  #makeRing(name: string, port: number): void {
    const builder = join(this.#folder, `${name}.builder`)
    for (const words of [
      ['create', '4', '1', '1'],
      ['add', `r1z1-127.0.0.1:${port}/d1`, '1'],
      ['rebalance'],
    ]) {
      execFileSync('swift-ring-builder', [builder, ...words], { stdio: 'ignore' })
    }
  }

  #common(port: number): string {
    return `[DEFAULT]
swift_dir = ${this.#folder}
bind_ip = 127.0.0.1
bind_port = ${port}
user = ${userInfo().username}
workers = 0
log_level = CRITICAL
`
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text)
  }
}

function programOf(name: string): string {
  return `/usr/bin/swift-${name}-server`
}

const SWIFT_CONF = `[swift-hash]
swift_hash_path_suffix = test
swift_hash_path_prefix = test
[storage-policy:0]
name = one
default = yes
`

function storageConf(name: string): string {
  return `[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
`
}

/** As Swift comes, except that parts may be as small as tests want them. */
function proxyConf(secret: string, cachePort: number): string {
  const settings: Readonly<Record<string, string>> = {
    catch_errors: '',
    gatekeeper: '',
    memcache: `memcache_servers = 127.0.0.1:${cachePort}`,
    listing_formats: '',
    bulk: '',
    s3api: 'min_segment_size = 1',
    tempauth: `user_test_tester = ${secret} .admin`,
    copy: '',
    slo: '',
    dlo: '',
    versioned_writes: 'allow_object_versioning = true',
    symlink: '',
  }
  const filters = Object.entries(settings).map(
    ([name, text]) => `[filter:${name}]\nuse = egg:swift#${name}\n${text}\n`,
  )
  return `[pipeline:main]
pipeline = ${Object.keys(settings).join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${filters.join('')}`
}
