/**
 * What takes longest: kills, sweeps, planted secrets, attacks. `npm test -- --long` runs these files and `npm test` all
 * others, so that nobody waits ten minutes for an answer; CI runs both.
 */
export const LONG_FILES: readonly string[] = [
  'canary/commands.test.ts',
  'cli/api-key-revoke-file.test.ts',
  'cli/api-key-revoke.test.ts',
  'cli/api-key-rotate.test.ts',
  'cli/backup-traces.test.ts',
  'cli/energy.test.ts',
  'conformance/object/s3-swift.test.ts',
  'conformance/store/postgres-15.test.ts',
  'docs/snippets.test.ts',
  'fuzz/fuzz.test.ts',
  'hostile/hostile.test.ts',
  'packaging/tarball.test.ts',
  'recovery/audit-tamper.test.ts',
  'recovery/backup-corrupt.test.ts',
  'recovery/backup-kill.test.ts',
  'recovery/backup-load.test.ts',
  'recovery/cache-kill.test.ts',
  'recovery/energy-kill.test.ts',
  'recovery/kill-load.test.ts',
  'recovery/move-store.test.ts',
  'recovery/nth-call.test.ts',
  'recovery/object-kill.test.ts',
  'recovery/object-network.test.ts',
  'recovery/postgres-faults.test.ts',
  'recovery/postgres-races.test.ts',
  'recovery/root-kill.test.ts',
  'unit/store/coffre-source.test.ts',
  'unit/store/postgres-source.test.ts',
]
