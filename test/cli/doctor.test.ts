import assert from 'node:assert/strict'
import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { examineInstallation } from '../../src/monitor/doctor/installation.ts'
import { toInstant } from '../../src/model/clock.ts'
import { changeStore, makeFolder } from '../temporary.ts'
import { CoffreLine, startServer } from './coffre-process.ts'

interface Report {
  readonly healthy: boolean
  readonly findings: readonly {
    readonly id: string
    readonly state: string
    readonly cause?: string
    readonly next?: string
  }[]
}

async function report(
  cli: CoffreLine,
  ...args: readonly string[]
): Promise<Report & { code: number | null }> {
  const { code, out } = await cli.run(['doctor', '--json', ...args])
  return { code, ...(JSON.parse(out) as Report) }
}

function find({ findings }: Report, id: string) {
  return findings.find((each) => each.id === id)
}

describe('coffre doctor', () => {
  test('finds nothing wrong with a new Coffre but what lies around on purpose', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    const found = await report(cli)
    assert.equal(found.code, 0)
    assert.deepEqual(
      found.findings.filter(({ state }) => state === 'problem'),
      [],
    )
    assert.equal(find(found, 'first token')?.state, 'warning')
    assert.equal(find(found, 'audit log')?.state, 'ok')
    rmSync(join(cli.dataDir, 'first-token'))
    assert.equal(find(await report(cli), 'first token')?.state, 'ok')
  })

  test('names a mode that lets others in with the command that mends it, and mends it with --fix', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    const key = join(cli.dataDir, 'seal.key')
    chmodSync(key, 0o644)
    chmodSync(cli.dataDir, 0o755)
    const found = await report(cli)
    assert.deepEqual([found.code, found.healthy], [1, false])
    assert.equal(find(found, 'mode seal.key')?.next, `chmod 600 ${key}`)
    assert.equal(find(found, 'mode data folder')?.state, 'problem')
    assert.equal((await report(cli, '--fix')).code, 0)
    assert.deepEqual([statSync(key).mode & 0o777, statSync(cli.dataDir).mode & 0o777], [0o600, 0o700])
  })

  test('leaves a store that a server holds alone, and says so', async (t) => {
    const cli = new CoffreLine(t)
    await startServer(t, cli)
    const found = await report(cli)
    assert.equal(found.code, 0)
    assert.match(find(found, 'store')?.cause ?? '', /a server holds it/)
  })

  test('finds an absent Coffre, a damaged audit log and a certificate that is none', async (t) => {
    const cli = new CoffreLine(t)
    assert.equal((await report(cli)).code, 1)
    await cli.prepare('init')
    changeStore(cli.dataDir, (database) =>
      database.exec(`update audit_record set body = replace(body, 'init', 'exit') where idx = 0`),
    )
    writeFileSync(cli.path('none.crt'), 'x')
    cli.environment['COFFRE_TLS_CERT'] = cli.path('none.crt')
    const found = await report(cli)
    assert.equal(found.code, 1)
    assert.match(find(found, 'audit log')?.cause ?? '', /record 0/)
    assert.equal(find(found, 'TLS certificate')?.state, 'problem')
  })

  test('finds a last record in the future, and a certificate that ends soon or has ended', async (t) => {
    const dataDir = makeFolder(t)
    const now = toInstant(1_800_000_000_000)
    const examine = (ahead: number, left: number) =>
      examineInstallation({
        dataDir,
        sealKeyFile: join(dataDir, 'seal.key'),
        fix: false,
        now,
        certificate: { notAfter: toInstant(now + left) },
        store: { auditValid: true, lastRecordAt: toInstant(now + ahead) },
      })
    const states = async (ahead: number, left: number) => {
      const findings = await examine(ahead, left)
      return ['clock', 'TLS certificate'].map((id) => findings.find((each) => each.id === id)?.state)
    }
    const day = 86_400_000
    assert.deepEqual(await states(60_000, 22 * day), ['ok', 'ok'])
    assert.deepEqual(await states(61_000, 20 * day), ['problem', 'warning'])
    assert.deepEqual(await states(0, -1), ['ok', 'problem'])
  })

  test('with a file tells why it does not decrypt, and never what is in it', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create k')
    const { out } = await cli.ok('encrypt k --context row=7', { input: 'canary' })
    writeFileSync(cli.path('blob'), out)
    const good = await cli.run(['doctor', cli.path('blob'), '--context', 'row=7', '--json'])
    assert.deepEqual([good.code, (JSON.parse(good.out) as { verdict: string }).verdict], [0, 'decrypts'])
    const wrong = await cli.run(['doctor', '-', '--context', 'row= 7'], { input: out })
    assert.equal(wrong.code, 1)
    assert.match(wrong.out, /verdict: wrong-context/)
    assert.ok(!`${good.out}${wrong.out}`.includes('canary'))
    const bytes = await cli.run(['doctor', '-', '--context', 'row=7', '--json'], {
      input: Buffer.from(out.trim(), 'base64url'),
    })
    assert.equal(bytes.code, 0)
  })
})
