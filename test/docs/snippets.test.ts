import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { POSTGRES_15 } from '../postgres-server.ts'
import { matchesOutput } from './match-output.ts'
import { type Block, findGuides, type Page, parsePage, ROOT } from './page.ts'
import { isRun, NAMED_POSTGRES, type PageRun, PYTHON, runPage } from './run-page.ts'
import { readEntryPoints } from './use-checkout.ts'

/** How each block is checked, by language and directive; anything else has to say why it is not run. */
const CHECKED = new Set([
  'sh ',
  'sh server',
  'sh server-stopped',
  'ts ',
  'ts same-folder',
  'python ',
  'text ',
  'json ',
])
const CONCURRENT_PAGES = 2

const guides = findGuides()

function codeOf(page: Page): string {
  return page.blocks.map(({ language, directive, code }) => `${language} ${directive}\n${code}`).join('\n')
}

/** A translation has the blocks of its original (parity.test.ts), and they run once. */
function findDistinct(pages: readonly Page[]): Page[] {
  return [...new Map(pages.map((page) => [codeOf(page), page])).values()].filter((page) =>
    page.blocks.some(isRun),
  )
}

function isInstalled(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}

/** What blocks need and a machine may lack, with the blocks that need it. */
const PROGRAMS = [
  {
    name: 'python3-cryptography',
    here: isInstalled(PYTHON, '-c', 'import cryptography'),
    language: 'python',
    word: '',
  },
  {
    name: 'apt-get install python3-redis: python3-redis',
    here: isInstalled(PYTHON, '-c', 'import redis'),
    language: 'python',
    word: 'import redis',
  },
  {
    name: 'apt-get install redis-server redis-tools: redis-server',
    here: isInstalled('redis-server', '--version'),
    language: 'sh',
    word: 'redis-server ',
  },
  {
    name: 'apt-get install postgresql-15: PostgreSQL',
    here: POSTGRES_15.skip === false,
    language: 'sh',
    word: NAMED_POSTGRES,
  },
  { name: 'curl', here: isInstalled('curl', '--version'), language: 'sh', word: 'curl ' },
  { name: 'openssl', here: isInstalled('openssl', 'version'), language: 'sh', word: 'openssl ' },
]

function findMissing(page: Page): string | false {
  const blocks = page.blocks.filter(isRun)
  const missing = PROGRAMS.find(
    ({ here, language, word }) =>
      !here && blocks.some((block) => block.language === language && block.code.includes(word)),
  )
  return missing === undefined ? false : `${missing.name} is not installed`
}

function checkRun(page: Page, { code, ran }: PageRun): void {
  const at = (block: Block | undefined) => `${page.path}:${block?.line ?? 1}`
  const last = ran.at(-1)
  assert.equal(code, 0, `${at(last?.block)} ended with ${code}:\n${last?.output ?? ''}`)
  assert.equal(ran.length, page.blocks.filter(isRun).length, `${at(last?.block)} is the last block that ran`)
  for (const [index, block] of page.blocks.entries()) {
    const isOutput = block.language === 'text' && block.directive === ''
    if (!isOutput || page.blocks[index - 1]?.directive === 'no-run') continue
    const before = ran.find((one) => one.block === page.blocks[index - 1])
    assert.ok(before !== undefined, `${at(block)}: an output stands after the block that printed it`)
    const message = `${at(block)} shows\n${block.code}\nbut this was printed:\n${before.output}`
    assert.ok(matchesOutput(block.code, before.output), message)
  }
}

describe('every block of a guide', () => {
  test('is run, or says why not', () => {
    assert.ok(guides.length >= 3)
    for (const { path, blocks } of guides) {
      for (const { language, directive, reason, line } of blocks) {
        const marked = directive === 'no-run' && reason !== ''
        assert.ok(
          marked || CHECKED.has(`${language} ${directive}`),
          `${path}:${line}: ${language} ${directive}`,
        )
      }
    }
  })

  test('in JSON is JSON', () => {
    for (const { blocks } of guides) {
      for (const { language, code } of blocks) if (language === 'json') JSON.parse(code)
    }
  })

  test('in TypeScript compiles under strict', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'coffre-docs-types-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const snippets = findDistinct(guides).flatMap((page) =>
      page.blocks.filter((block) => block.language === 'ts'),
    )
    assert.ok(snippets.length > 0)
    // What a reader has installed beside Coffre.
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    for (const [index, { code }] of snippets.entries())
      writeFileSync(join(folder, `snippet-${index}.mts`), code)
    const paths = Object.fromEntries([...readEntryPoints()].map(([name, file]) => [name, [file]]))
    const typeRoots = [join(ROOT, 'node_modules/@types')]
    const lenient = { noPropertyAccessFromIndexSignature: false, noUnusedLocals: false }
    const compilerOptions = { paths, typeRoots, ...lenient }
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.mts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiled = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
    const own = compiled.stdout.split('\n').filter((line) => line.includes('snippet-'))
    assert.equal(
      own.join('\n'),
      '',
      snippets.map(({ code }, index) => `snippet-${index}:\n${code}`).join('\n'),
    )
  })
})

describe('a page works from its first block to its last', { concurrency: CONCURRENT_PAGES }, () => {
  const pages = findDistinct(guides)
  assert.ok(pages.length > 0)
  for (const page of pages) {
    test(page.path, { skip: findMissing(page) }, async () => checkRun(page, await runPage(page)))
  }
})

describe('the runner of pages', () => {
  const fence = '```'
  const run = (...blocks: readonly string[]) => {
    const page = parsePage('planted.md', blocks.map((block) => `${fence}${block}\n${fence}`).join('\n'))
    return runPage(page).then((ran) => checkRun(page, ran))
  }

  test('names the block that fails', async () => {
    await assert.rejects(run('sh\ntrue', 'sh\nfalse | true', 'sh\ntrue'), /planted\.md:4 ended with 1/)
  })

  test('refuses an output that was not printed', async () => {
    await assert.rejects(run('sh\necho one', 'text\ntwo'), /planted\.md:4 shows\ntwo\n\nbut .*:\none/)
  })

  test('takes … for what changes', async () => {
    await run('sh\nprintf "a 1 b\\nx\\ny\\nend\\n"', 'text\na … b\n…\nend')
  })

  test('fails on a snippet that throws', async () => {
    await assert.rejects(run("ts\nthrow new Error('planted')"), /planted/)
  })
})

test('every folder of guides is searched', () => {
  const found = guides.map(({ path }) => path)
  for (const path of ['README.md', 'README.fr.md', 'docs/en/cli.md', 'docs/fr/demarrer.md']) {
    assert.ok(found.includes(path), path)
  }
  assert.ok(found.some((path) => path.startsWith('docs/runbook/')))
})
