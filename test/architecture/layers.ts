/**
 * The layer table of docs/design/architecture.md. A row is a folder of src/, or a file at its root; it
 * lists the folders and root files that it may import. `app.ts` and the other `app-*.ts` join the real parts, so they have no row.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  crypto: ['model'],
  keyring: ['model', 'crypto'],
  seal: ['model', 'crypto'],
  store: ['model', 'keyring'],
  service: ['model', 'crypto', 'keyring', 'seal', 'store'],
  audit: ['model', 'crypto', 'store'],
  monitor: ['model', 'store', 'audit'],
  compliance: ['model', 'keyring', 'store', 'audit'],
  http: ['model', 'service', 'audit', 'monitor', 'compliance', 'version.ts'],
  client: ['model'],
  cli: [
    'model',
    'client',
    'app.ts',
    'app-backup.ts',
    'app-cache.ts',
    'app-doctor.ts',
    'app-drill.ts',
    'app-names.ts',
    'app-objects.ts',
    'app-recover.ts',
    'app-secret-files.ts',
    'config-backups.ts',
    'config.ts',
    'version.ts',
  ],
  'config-backups.ts': ['model'],
  'config.ts': ['model'],
  'version.ts': ['model'],
  'main.ts': ['cli'],
  'worker.ts': ['app-workers.ts'],
  'index.ts': [
    'model',
    'client',
    'app.ts',
    'app-backup.ts',
    'app-cache.ts',
    'app-drill.ts',
    'app-recover.ts',
    'app-secret-files.ts',
    'app-sessions.ts',
    'config-backups.ts',
    'config.ts',
    'version.ts',
  ],
}

export const COMPOSITION_ROOTS: ReadonlySet<string> = new Set([
  'app.ts',
  'app-backup.ts',
  'app-backup-schedule.ts',
  'app-cache.ts',
  'app-doctor.ts',
  'app-drill.ts',
  'app-fernet.ts',
  'app-names.ts',
  'app-objects.ts',
  'app-recover.ts',
  'app-secret-files.ts',
  'app-serve.ts',
  'app-sessions.ts',
  'app-store.ts',
  'app-workers.ts',
])

/** Layers whose imports of another layer are types only: no code of it runs in them. */
export const TYPES_ONLY: readonly { readonly from: string; readonly to: string; readonly why: string }[] = [
  { from: 'store', to: 'keyring', why: 'a store keeps wrapped bytes and has no key rules of its own' },
]

export interface Door {
  /** Files that stand behind the door, relative to src/. */
  readonly behind: RegExp
  readonly openTo: RegExp
  readonly why: string
}

/** Doors on files: who may import what stands behind them. */
export const FILE_DOORS: readonly Door[] = [
  {
    behind: /^store\/[^/]+\//,
    openTo: /^(app-(backup|cache|doctor|drill|names|objects|recover|secret-files|store)\.ts$|store\/)/,
    why: 'only app-*.ts pick a store; everything else imports the contract store/store.ts',
  },
  {
    behind: /^store\/source\//,
    openTo: /^(app-(backup|drill|recover)\.ts$|store\/source\/)/,
    why: 'app-backup.ts, app-drill.ts and app-recover.ts pick what is backed up; everything else imports the contract store/backup-source.ts',
  },
]

/** Doors on names: raw key bytes enter and leave KeyMaterial only where they are used. */
export const NAME_DOORS = [
  {
    name: /\brawBytes\b|\bnew\s+KeyMaterial\s*\(/g,
    openTo: /^(crypto|seal)\//,
    why: 'raw key bytes pass only in crypto/ and seal/',
  },
] as const

export interface OutsideRule {
  /** Specifiers of Node's own modules and of packages. */
  readonly modules: RegExp
  readonly openTo: RegExp
  readonly why: string
}

/** Modules from outside that only some layers may import. */
export const OUTSIDE_RULES: readonly OutsideRule[] = [
  { modules: /^node:crypto$/, openTo: /^crypto\//, why: 'primitives are called only in crypto/' },
  {
    modules: /^(node:sqlite|kysely|pg)(\/|$)/,
    openTo: /^store\//,
    why: 'only store/ knows SQL',
  },
  { modules: /^@aws-sdk\//, openTo: /^store\/object\//, why: 'one place speaks to buckets' },
  { modules: /^iovalkey$/, openTo: /^store\/valkey\//, why: 'one place speaks to Valkey' },
  {
    modules: /^(node:(http|http2)|fastify|@fastify\/.*|fastify-type-provider-zod)$/,
    openTo: /^http\//,
    why: 'only http/ knows HTTP',
  },
  { modules: /^jose(\/|$)/, openTo: /^service\/login\//, why: 'JOSE is for logins only' },
  {
    modules: /^node:(https|tls)$/,
    openTo: /^(http|client)\//,
    why: 'TLS is spoken where the network is: http/ and client/',
  },
  {
    modules: /^(commander|@clack\/prompts|node:readline.*)$/,
    openTo: /^cli\//,
    why: 'only cli/ knows terminals and arguments',
  },
]

/** Layers that may import nothing from outside but these. */
export const ONLY_OUTSIDE: Readonly<Record<string, { readonly modules: RegExp; readonly why: string }>> = {
  model: { modules: /^node:util$/, why: 'model holds words: no I/O, clock, randomness or package' },
  crypto: {
    modules: /^node:(crypto|util|buffer|async_hooks|zlib|stream(\/.*)?)$/,
    why: 'crypto does no I/O and depends on node:crypto alone',
  },
  keyring: { modules: /^node:util$/, why: 'keyring does no I/O and reads no clock' },
}

/** Globals that a layer may not touch; their values come in as arguments. */
export const FORBIDDEN_GLOBALS = [
  { name: /\bMath\.random\b/g, in: /^/, why: 'randomness comes from crypto/random.ts' },
  {
    name: /\bDate\.now\b|\bnew\s+Date\s*\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/g,
    in: /^(model|keyring)\//,
    why: 'time is an argument here',
  },
  { name: /\bprocess\.argv\b/g, in: /^(?!cli\/|main\.ts$)/, why: 'only cli/ and main.ts read arguments' },
] as const
