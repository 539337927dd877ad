import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import {
  makeBackupKey,
  openBackupBody,
  openBackupRecord,
  sealBackupBody,
  sealBackupRecord,
} from '../../src/crypto/backup-body.ts'
import { parseBackupSchedule } from '../../src/config-backups.ts'
import { parseLayoutKey, readLayoutHead } from '../../src/crypto/backup-layout.ts'
import { type RecoverySlot, unwrapByRecovery, wrapForRecovery } from '../../src/crypto/backup-slot.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { exportPublicKey } from '../../src/crypto/key-object.ts'
import { formatRecoveryPublicKey, parseRecoveryPublicKey } from '../../src/crypto/recovery-key.ts'
import { judgeNote, noteSigner, verifierKeyOf } from '../../src/crypto/transparency/signed-note.ts'
import { xWingPublicKey } from '../../src/crypto/x-wing.ts'
import type { BackupDrill } from '../../src/model/backup.ts'
import { Secret } from '../../src/model/secret.ts'
import {
  createRecoveryKey,
  parseRecoveryKey,
  parseRecoveryShare,
  writeRecoveryShare,
} from '../../src/seal/recovery-key.ts'
import { catalogueText, parseCatalogue } from '../../src/service/backup/catalogue.ts'
import { parseProof, proofText } from '../../src/service/backup/drill-proof.ts'
import { manifestText, parseManifest, parseRecord } from '../../src/service/backup/manifest.ts'
import type { FuzzedParser } from './parsers.ts'

const ID = '01a215d4-4d6c-7835-9415-3ace4319e571'
const HEADER = JSON.stringify({
  id: ID,
  series: 'nightly',
  source: 'stream',
  compression: 'zstd',
  createdAt: '2026-11-26T03:09:24.716Z',
  facts: { name: 'dump.sql', bytes: 12 },
})
const SCHEDULE = JSON.stringify({
  target: 's3://bucket/prefix',
  backups: [
    {
      series: 'shop',
      source: { postgres: { url: 'postgres://backup@db/shop', format: 'plain' } },
      cron: '0 2 * * *',
      timeZone: 'Europe/Paris',
      recovery: ['recovery.pub'],
      keep: { daily: 7 },
    },
    { series: 'site', source: { files: ['/srv/site'] } },
  ],
})
const BODY = JSON.stringify({ sequence: 3, bodyBytes: 100, bodySha256: 'ab'.repeat(32) })
const RECORD = JSON.stringify({
  plainBytes: 1,
  plainSha256: 'cd'.repeat(32),
  storedBytes: 1,
  counts: { bytes: 1 },
})
const id = Buffer.from(ID.replaceAll('-', ''), 'hex')
const key = makeBackupKey()
const seed = new KeyMaterial(Buffer.alloc(32, 9))
const publicKey = xWingPublicKey(seed)
const pair = generateKeyPairSync('ed25519')
const signing = new KeyMaterial(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
const signer = verifierKeyOf('coffre-backup/x', exportPublicKey(signing))
const sign = (text: string) => noteSigner(signing)(text, signer.name)
const text = (written: string) => Buffer.from(written)

/** What lies on a target that others can write to, and on paper. */
export function makeBackupParsers(): readonly FuzzedParser[] {
  return [manifest(), catalogue(), proof(), body(), record(), recoverySlot(), ...recoveryKeys(), ...layouts()]
}

function manifest(): FuzzedParser {
  const recovery = wrapForRecovery(key, id, publicKey)
  const lines = { headerLine: HEADER, bodyLine: BODY, recordLine: 'AbCd' }
  const signed = manifestText({
    ...lines,
    slots: [{ slot: 'key', key: 'backup', ciphertext: 'cof1' }, recovery],
  })
  return {
    name: 'backup-manifest',
    seeds: [text(sign(signed))],
    parse: (input) => {
      const parsed = parseManifest(input.toString('utf8'))
      const isSigned = judgeNote(parsed.note, [signer]) === 'signed'
      assert.ok(!isSigned || parsed.note.text === signed, 'a changed manifest is signed')
      return true
    },
  }
}

function catalogue(): FuzzedParser {
  const entry = { sequence: 3, id: ID, record: 'ef'.repeat(32) }
  const signed = catalogueText({ series: 'nightly', revision: 4, newest: 5, entries: [entry] })
  return {
    name: 'backup-catalogue',
    seeds: [text(sign(signed))],
    parse: (input) => {
      const { note } = parseCatalogue(input.toString('utf8'))
      assert.ok(
        judgeNote(note, [signer]) !== 'signed' || note.text === signed,
        'a changed catalogue is signed',
      )
      return true
    },
  }
}

function proof(): FuzzedParser {
  const drill: BackupDrill = {
    id: ID,
    series: 'nightly',
    sequence: 3,
    backup: ID,
    startedAt: '2026-11-26T03:09:24.716Z',
    milliseconds: 1_200,
    outcome: 'failed',
    code: 'BACKUP_DAMAGED',
    checks: ['digest', 'tables'],
    keys: ['key backup 1'],
    manifest: 'ab'.repeat(32),
  }
  const signed = proofText(drill)
  return {
    name: 'backup-drill',
    seeds: [text(sign(signed))],
    parse: (input) => {
      const found = parseProof(input.toString('utf8'))
      if (found === undefined) return false
      const isGenuine = judgeNote(found.note, [signer]) === 'signed'
      assert.ok(!isGenuine || found.note.text === signed, 'a changed proof is signed')
      return true
    },
  }
}

function body(): FuzzedParser {
  const binding = { id, header: HEADER }
  const sealing = sealBackupBody(key, binding)
  const seeds = [Buffer.concat([...sealing.update(Buffer.alloc(20_000, 'x')), sealing.finish()])]
  return {
    name: 'backup-body',
    seeds,
    parse: (input) => {
      const opening = openBackupBody(key, binding)
      for (const piece of opening.update(input)) assert.ok(piece.every((byte) => byte === 0x78))
      opening.finish()
      assert.ok(
        seeds.some((each) => each.equals(input)),
        'a changed body opens',
      )
      return true
    },
  }
}

function record(): FuzzedParser {
  const lines = { header: HEADER, body: BODY }
  const seeds = [text(sealBackupRecord(key, lines, RECORD))]
  return {
    name: 'backup-record',
    seeds,
    parse: (input) => {
      const opened = openBackupRecord(key, lines, input.toString('latin1'))
      assert.equal(parseRecord(opened).plainBytes, 1)
      return true
    },
  }
}

function recoverySlot(): FuzzedParser {
  const slot = wrapForRecovery(key, id, publicKey)
  const seeds = [Buffer.from(`${slot.encapsulated}.${slot.wrapped}`)]
  return {
    name: 'backup-recovery-slot',
    seeds,
    isSlow: true,
    parse: (input) => {
      const [encapsulated = '', wrapped = ''] = input.toString('latin1').split('.', 2)
      const given: RecoverySlot = { ...slot, encapsulated, wrapped }
      assert.ok(unwrapByRecovery(given, id, seed).equals(key))
      assert.ok(encapsulated === slot.encapsulated && wrapped === slot.wrapped, 'a changed slot opens')
      return true
    },
  }
}

function recoveryKeys(): FuzzedParser[] {
  const made = createRecoveryKey()
  const value = new KeyMaterial(Buffer.alloc(32, 5))
  const share = writeRecoveryShare({
    setId: 'a1b2c3d4',
    threshold: 2,
    count: 3,
    number: 1,
    point: 9,
    value,
  })
  return [
    {
      name: 'recovery-public-key',
      seeds: [text(formatRecoveryPublicKey(publicKey))],
      isSlow: true,
      parse: (input) => parseRecoveryPublicKey(input.toString('latin1')).length === publicKey.length,
    },
    {
      name: 'recovery-key',
      seeds: [text(made.text.reveal()), text(made.words.reveal())],
      parse: (input) => parseRecoveryKey(new Secret(input.toString('latin1'))).length === 32,
    },
    {
      name: 'recovery-share',
      seeds: [text(share.text.reveal()), text(share.words.reveal())],
      parse: (input) => {
        const read = parseRecoveryShare(new Secret(input.toString('latin1')))
        assert.equal(writeRecoveryShare(read).text.reveal(), share.text.reveal(), 'another share is read')
        return true
      },
    },
  ]
}

function layouts(): FuzzedParser[] {
  return [
    {
      name: 'backup-schedule',
      seeds: [text(SCHEDULE)],
      parse: (input) => parseBackupSchedule(input.toString('utf8'), { target: '/t' }).length > 0,
    },
    {
      name: 'layout-key',
      seeds: [
        text('ab'.repeat(32)),
        text(Buffer.alloc(32, 3).toString('base64')),
        text('sha256:a text of some length'),
      ],
      parse: (input) => {
        const parsed = parseLayoutKey(input)
        if (parsed !== undefined) assert.equal(parsed.key.length, 32)
        return parsed !== undefined
      },
    },
    {
      name: 'layout-head',
      seeds: [Buffer.concat([Buffer.from('00000001', 'hex'), Buffer.alloc(60, 7)])],
      parse: (input) => {
        const iv = readLayoutHead(input, input.length)
        if (iv !== undefined) assert.equal(iv.length, 12)
        return iv !== undefined
      },
    },
  ]
}
