import { makeBackupParsers } from './backup-parsers.ts'
import { makeCacheParsers, makeSessionParser } from './cache-parsers.ts'
import { makeCodecParsers } from './codec-parsers.ts'
import { makeFilesTreeParser } from './files-tree-parser.ts'
import { makeHeadParsers } from './head-parsers.ts'
import { makeOutsideParsers } from './outside-parsers.ts'
import { makeSecretFileParsers } from './secret-file-parsers.ts'
import { makeTrustParsers } from './trust-parsers.ts'

export interface FuzzedParser {
  readonly name: string
  /** Valid inputs; text as its UTF-8 bytes. */
  readonly seeds: readonly Buffer[]
  /** Costs so much that a run takes one in twenty. */
  readonly isSlow?: true
  /**
   * Parses, and throws when the answer is wrong. A CoffreError is a right answer to anything but a seed; any other
   * error is a crash. False: refused by a value.
   */
  readonly parse: (input: Buffer) => Promise<boolean> | boolean
}

/** Every reader of bytes from outside, with keys and valid inputs of its own. */
export async function makeFuzzedParsers(): Promise<readonly FuzzedParser[]> {
  return [
    ...makeCodecParsers(),
    ...(await makeOutsideParsers()),
    ...(await makeTrustParsers()),
    ...makeCacheParsers(),
    await makeSessionParser(),
    ...makeHeadParsers(),
    ...makeBackupParsers(),
    ...(await makeSecretFileParsers()),
    makeFilesTreeParser(),
  ]
}
