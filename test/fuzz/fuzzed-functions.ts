/**
 * Every exported function of `src` whose name says that it parses, decodes, opens, unwraps or, where bytes from outside
 * arrive first (`READERS_OF_BYTES`), reads: the name of the fuzzed
 * parser that gives it inputs, or, in brackets, why none does.
 */
export const FUZZED_FUNCTIONS: Readonly<Record<string, string>> = {
  // crypto
  openAesGcm: 'chunked',
  parseBase64: 'checkpoint',
  parseBase64url: 'key-set',
  openChunked: 'chunked',
  openChunkedReader: '(range reads of a whole file: test/vectors/chunked.test.ts cuts and flips it)',
  openWhole: 'chunked',
  openMessages: 'ciphertext',
  openEncryptedPkcs8: 'import-pem',
  parseFernetKey: 'fernet-key',
  decodeToken: 'fernet-token',
  parsePublicKey: 'public-key',
  unwrapAsRecipient: 'rsa-aes-key-wrap',
  parseFrontier: 'audit-frontier',
  parsePasswordHash: 'password-hash',
  parseSpkiPem: 'public-key-pem',
  unwrapRoot: 'root-link',
  unwrapFromSibling: 'sibling-roots',
  parseCheckpoint: 'checkpoint',
  parseSize: 'inclusion-proof',
  parseInclusionProof: 'inclusion-proof',
  parseConsistencyProof: 'consistency-proof',
  parseVerifierKey: 'verifier-key',
  parseNote: 'checkpoint',
  unwrapKey: 'wrapped-key',
  openEntry: 'cache-entry',
  decodeCacheKey: 'cache-key',
  unwrapWithSecret: '(an Argon2id for each input; behind it are chunked and cache-key)',
  openPart: 'session-token',
  openValue: 'secret-file-dotenv',
  unwrapByPassphrase: '(an Argon2id for each input; behind it is chunked)',
  // seal
  parseSealKey: 'seal-key',
  parseShare: 'share',
  decodeShare: 'share',
  parseShareSet: 'share-set',
  // audit
  parseHistory: 'checkpoint-history',
  // service
  decodeObject: 'key-set',
  parseStrictObject: 'key-set',
  openImportToken: '(an AES-GCM blob of fixed length by a pattern: rsa-oaep-sha256 and wrapped-key)',
  parseLoginRole: 'login-role',
  openLogSigner: '(reads a key of our own store)',
  parsePolicyDocument: 'policy',
  openSigned: 'session-token',
  openText: 'secret-file-dotenv',
  openBackup: '(a file of ours by name; then openText)',
  parseAge: '(a number)',
  parseState: 'cache-state',
  openUnderSecret: '(unwrapWithSecret, with another code)',
  // client and http
  parseProblem: 'problem',
  parseBatchError: 'batch-error',
  parseServerAddress: 'server-address',
  parseJsonBody: 'json-body',
  decodeByteFields: '(strings that decodeBase64 judges)',
  decodeBase64: '(canonical base64 by encoding again)',
  parseFetchUrl: '(new URL and a list: test/unit/http/fetch-document.test.ts)',
  parseItem: 'problem',
  parseAnswer: 'problem',
  parseJson: '(JSON.parse, and another error)',
  parseList: 'problem',
  parseObject: 'problem',
  // store/source
  readTree: 'files-tree',
  openSqliteFile: '(opens a file for SQLite, which judges it)',
  // backups
  parseManifest: 'backup-manifest',
  parseRecord: 'backup-record',
  parseCatalogue: 'backup-catalogue',
  parseProof: 'backup-drill',
  parseBackupSchedule: 'backup-schedule',
  openBackupBody: 'backup-body',
  openBackupRecord: 'backup-record',
  openSlots: '(tries each slot of a manifest: backup-recovery-slot)',
  unwrapByRecovery: 'backup-recovery-slot',
  parsePaperKey: 'recovery-key',
  parseRecoveryKey: 'recovery-key',
  parseRecoveryShare: 'recovery-share',
  parseRecoveryPublicKey: 'recovery-public-key',
  parseLayoutKey: 'layout-key',
  readLayoutHead: 'layout-head',
  // readers of crypto, seal and http
  readCertificate: 'certificate',
  readClientCertificate: 'client-certificate',
  readHeader: 'ciphertext-header',
  readTextHeader: 'ciphertext-header',
  readMagic: '(a comparison)',
  readFileHeader: 'file-header',
  readDer: 'import-der',
  readSequence: 'import-der',
  readSmallInteger: 'import-der',
  readSystemSeconds: '(the clock)',
  readTimeSeconds: 'fernet-time',
  readTokenTime: 'fernet-time',
  readTokenId: 'token',
  readClientSecretId: 'token',
  readTransportKey: 'transport-key',
  readClientSecret: 'client-secret-header',
  readContextHeader: 'context-header',
  readCookie: 'cookie',
  readOrigins: '(what an application sets; new URL and a list)',
  readTlsFiles: '(files of whoever runs Coffre; certificate)',
}

export const READERS_OF_BYTES: readonly string[] = [
  'src/crypto/',
  'src/seal/',
  'src/http/',
  'src/store/source/files/',
]

/** Words and ids by one pattern each: a string in, a string out. */
export const BY_A_PATTERN: readonly string[] = ['src/model/']
/** Inside of one that is listed below. */
export const FROM_OUTSIDE_ALL_THE_SAME: readonly string[] = ['src/store/source/']
/** Rows of our own database, and files and arguments of whoever runs Coffre. */
export const NOT_FROM_OUTSIDE: readonly string[] = ['src/store/', 'src/cli/', 'src/app']
