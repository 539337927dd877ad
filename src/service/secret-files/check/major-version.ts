import { git } from '../change/git.ts'

/** Enough for decades of releases; the newest come first. */
const MAX_TAGS = 10_000
/** `v2`, `2.1`, `v2.1.3`: what a pre-release or a tag of something else is not. */
const VERSION = /^v?(?<major>\d{1,9})(?:\.\d+){0,3}$/

/**
 * The tag of a new major version in this span, in milliseconds since 1970: of a number above all that were tagged before
 * it. `undefined` where there is none, and outside of a git tree.
 */
export async function findMajorTag(
  folder: string,
  span: { readonly after: number; readonly until: number },
): Promise<string | undefined> {
  const tags = await readVersionTags(folder)
  const before = tags.filter(({ at }) => at <= span.after)
  const highest = Math.max(0, ...before.map(({ major }) => major))
  return tags.find(({ at, major }) => at > span.after && at <= span.until && major > highest)?.name
}

interface VersionTag {
  readonly name: string
  readonly major: number
  /** When it was made; of a tag without a maker, when its commit was. */
  readonly at: number
}

async function readVersionTags(folder: string): Promise<readonly VersionTag[]> {
  const format = '--format=%(creatordate:unix) %(refname:strip=2)'
  const sorted = ['--sort=-creatordate', `--count=${MAX_TAGS}`]
  const { code, output } = await git(folder, ['for-each-ref', ...sorted, format, 'refs/tags'])
  if (code !== 0) return []
  return output
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [seconds = '', name = ''] = line.split(' ')
      const major = VERSION.exec(name)?.groups?.['major']
      return major === undefined ? [] : [{ name, major: Number(major), at: Number(seconds) * 1_000 }]
    })
}
