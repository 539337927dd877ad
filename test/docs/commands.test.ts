import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commandRows, groupRows } from '../../src/cli/commands.ts'
import { globalOptions } from '../../src/cli/line/option-rows.ts'
import { findAllPages, type Page } from './page.ts'

/** `coffre` and what follows it up to the end of the command. */
const COMMAND = /(?<![\w./@-])coffre(?: --(?= ))?(?<words>(?: +[^\s|<>;&()`]+)+)/g
/** To these `coffre` is the name of an image, a container, a release or an account. */
const LINE_OF_ANOTHER_PROGRAM = /^(?:sudo )?(?:docker|helm|kubectl|runuser|systemctl) .*$/gm
const OPTIONS_OF_ALL = [...globalOptions.map(({ flags }) => flags), '-h, --help', '-V, --version']
const rows = commandRows.map((row) => ({ path: row.path, options: row.options ?? [] }))
const groups = [{ path: ['help'] }, ...groupRows]

/** A label that goes into a key derivation is no command. */
const LABEL = /"coffre [a-z ]+ v1"/g

/** Where a page speaks of commands: its shell blocks and what it sets in code style. */
function commandsOf({ prose, blocks }: Page): string[] {
  const shell = blocks
    .filter(({ language }) => language === 'sh')
    .map(({ code }) => code.replaceAll('\\\n', ' ').replaceAll(LINE_OF_ANOTHER_PROGRAM, ''))
  const inline = [...prose.matchAll(/`(?<code>[^`]+)`/g)].map(
    (match) => match.groups?.['code']?.replaceAll(LABEL, '') ?? '',
  )
  return [...shell, ...inline].flatMap((code) =>
    [...code.matchAll(COMMAND)].map((match) => (match.groups?.['words'] ?? '').trim()),
  )
}

/** Options of every command may stand before it. */
function dropLeadingOptions(words: readonly string[]): readonly string[] {
  const option = globalOptions.find(({ flags }) => flags.split(/[ ,]+/).includes(words[0] ?? ''))
  if (option === undefined) return words
  return dropLeadingOptions(words.slice(option.flags.includes('<') ? 2 : 1))
}

function findMistake(command: string): string | undefined {
  // What stands after ` -- ` is another program's line.
  const words = dropLeadingOptions((command.split(' -- ')[0] ?? '').split(/ +/))
  const starts = (path: readonly string[]) => path.every((word, index) => words[index] === word)
  const options = words.filter((word) => /^-{1,2}[a-z]/i.test(word)).map((word) => word.split('=')[0] ?? '')
  const row = rows.findLast(({ path }) => starts(path))
  const isGroup = groups.some(({ path }) => starts(path) && (words[path.length] ?? '-').startsWith('-'))
  if (row === undefined && !isGroup && !(words[0] ?? '').startsWith('-')) return 'there is no such command'
  const known = [...OPTIONS_OF_ALL, ...(row?.options ?? []).map(({ flags }) => flags)].flatMap((flags) =>
    flags.split(/[ ,]+/),
  )
  const unknown = options.find((option) => !known.includes(option))
  return unknown === undefined ? undefined : `it has no ${unknown}`
}

describe('pages name only commands that exist', () => {
  test('with options that they have', () => {
    const found = findAllPages().flatMap((page) => commandsOf(page).map((command) => ({ page, command })))
    assert.ok(found.length > 50)
    const mistakes = found.flatMap(({ page, command }) => {
      const mistake = findMistake(command)
      return mistake === undefined ? [] : [`${page.path}: coffre ${command}: ${mistake}`]
    })
    assert.deepEqual(mistakes, [])
  })

  test('and every command stands in the reference', () => {
    const reference = findAllPages().find(({ path }) => path === 'docs/en/cli.md')
    const headings = reference?.headings.map(({ text }) => text)
    assert.ok(rows.length > 20)
    for (const { path } of rows) assert.ok(headings?.includes(`coffre ${path.join(' ')}`), path.join(' '))
  })

  test('and a planted mistake is found', () => {
    for (const command of ['melt', 'key melt', 'key', 'key create x --fast', '--lang fr melt']) {
      assert.equal(findMistake(command) === undefined, command === 'key', command)
    }
    for (const command of [
      'key create x --tag a=b',
      'audit log verify',
      '--data-dir d init',
      '--version',
      'key create --help',
    ]) {
      assert.equal(findMistake(command), undefined)
    }
  })
})
