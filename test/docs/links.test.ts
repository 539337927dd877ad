import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { describe, test } from 'node:test'
import { findAllPages, type Page, readPage, ROOT } from './page.ts'

const LINK = /\[[^\]]*\]\((?<target>[^)\s]+)\)/g
const pages = findAllPages()

function linksOf(page: Page): string[] {
  const prose = page.prose.replaceAll(/`[^`]*`/g, '')
  return [...prose.matchAll(LINK)].flatMap((match) => match.groups?.['target'] ?? [])
}

/** As GitHub makes them: lower case, no punctuation, spaces to hyphens. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

function findBroken(page: Page, link: string): string | undefined {
  if (/^(https?|mailto):/.test(link)) return undefined
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? page.path : join(dirname(page.path), decodeURIComponent(file))
  const inside = !relative(ROOT, join(ROOT, target)).startsWith(`..${sep}`)
  if (!inside || !existsSync(join(ROOT, target))) return `${page.path}: ${link} leads nowhere`
  if (anchor === undefined) return undefined
  const anchors = readPage(target).headings.map(({ text }) => toAnchor(text))
  return anchors.includes(anchor) ? undefined : `${page.path}: ${target} has no heading #${anchor}`
}

describe('links between pages', () => {
  test('lead to a file and a heading that exist', () => {
    const links = pages.flatMap((page) => linksOf(page).map((link) => ({ page, link })))
    assert.ok(links.length > 20)
    const broken = links.flatMap(({ page, link }) => findBroken(page, link) ?? [])
    assert.deepEqual(broken, [])
  })

  test('are refused where they lead nowhere', () => {
    const page = readPage('README.md')
    for (const link of ['nowhere.md', '#nothing', 'docs/errors.md#nothing', '../outside.md']) {
      assert.ok(findBroken(page, link) !== undefined, link)
    }
    for (const link of ['docs/errors.md#errors', '#start', 'https://example.org/x']) {
      assert.equal(findBroken(page, link), undefined)
    }
  })

  test('reach every page of docs/ from its index', () => {
    const seen = new Set<string>()
    const waiting = ['docs/README.md']
    for (const path of waiting) {
      if (seen.has(path) || !path.endsWith('.md') || !existsSync(join(ROOT, path))) continue
      seen.add(path)
      for (const link of linksOf(readPage(path))) {
        const file = link.split('#')[0] ?? ''
        if (file !== '' && !/^https?:/.test(link)) waiting.push(join(dirname(path), file))
      }
    }
    const lost = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !seen.has(path))
    assert.deepEqual(lost, [])
  })
})
