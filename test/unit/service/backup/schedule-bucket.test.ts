import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Secret } from '../../../../src/model/secret.ts'
import { makeBucket, rawClient } from '../../../conformance/object/s3-target.ts'
import { NO_MOTO, startMoto } from '../../../moto-server.ts'
import { POSTGRES_15, startPostgres } from '../../../postgres-server.ts'
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { lookAndWait, SchedulePlace } from './schedule-place.ts'

test('every night a PostgreSQL database goes to a bucket, and its password to neither', {
  skip: NO_MOTO !== false ? NO_MOTO : POSTGRES_15.skip,
}, async (t) => {
  const moto = await startMoto(t)
  const bucket = await makeBucket(moto)
  const postgres = await startPostgres(t, { release: POSTGRES_15 })
  const url = await postgres.makeDatabase()
  const client = await postgres.connect(url)
  await client.query(
    "create table note as select g as id, 'text ' || g as text from generate_series(1, 500) g",
  )
  await client.end()
  const urlFile = join(new SchedulePlace(t).folder, 'url')
  writeFileSync(urlFile, `${url}\n`, { mode: 0o600 })
  const place = new SchedulePlace(t, {
    series: 'shop',
    source: { postgres: { urlFile } },
    target: `s3://${bucket}/coffre?endpoint=http://127.0.0.1:${moto.port}`,
    keep: { last: 1 },
  })
  const s3 = {
    credentials: { accessKeyId: moto.accessKeyId, secretAccessKey: new Secret(moto.secretAccessKey) },
  }
  const { backups } = place.options
  assert.ok(backups !== undefined)
  const { coffre, schedules } = await place.open({ backups: { ...backups, s3 } })
  await lookAndWait(schedules)
  place.passHours(1)
  await lookAndWait(schedules)
  place.passHours(24)
  await lookAndWait(schedules)
  assert.deepEqual(place.alerts, [])
  const view = await coffre.backups.schedule('shop')
  assert.deepEqual([view.health, view.lastSuccess?.sequence, view.target], ['ok', 2, `s3://${bucket}/coffre`])
  await coffre.backups.run('shop', { work: 'verify' })
  await schedules.runner.idle()
  assert.equal((await coffre.backups.runs('shop', { limit: 1 }))[0]?.state, 'done')
  const raw = rawClient(moto)
  const { Contents = [] } = await raw.send(new ListObjectsV2Command({ Bucket: bucket }))
  // The catalogue, and of one backup its manifest and its body: the other was pruned.
  assert.equal(Contents.length, 3)
  const { Uploads = [] } = await raw.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  assert.deepEqual(Uploads, [])
  raw.destroy()
  const password = new URL(url).password
  const seen = JSON.stringify([view, await coffre.audit.list({ last: 100 })])
  assert.ok(!seen.includes(password))
  assert.ok(!readFileSync(join(place.folder, 'data', 'backups-seen.json'), 'utf8').includes(password))
})
