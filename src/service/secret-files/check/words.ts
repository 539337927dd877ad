/** Shorter words appear in random text by chance. */
const MIN_WORD_CHARACTERS = 5
const MAX_WORD_CHARACTERS = 24
/** What people write for a letter. */
const DISGUISES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

let words: Promise<ReadonlySet<string>> | undefined

/** Common words and passwords of English and French. Loaded where a key is judged, because it takes 30 MB. */
export function loadWords(): Promise<ReadonlySet<string>> {
  words ??= readWords()
  return words
}

async function readWords(): Promise<ReadonlySet<string>> {
  const packages = await Promise.all([
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
    import('@zxcvbn-ts/language-fr'),
  ])
  const lists = packages.flatMap(({ dictionary }) => Object.values(dictionary))
  const long = lists.flatMap((list) => list.flatMap((word) => wordOf(word)))
  return new Set(long)
}

function wordOf(word: string | number): readonly string[] {
  const plain = String(word).normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return plain.length >= MIN_WORD_CHARACTERS && /^[a-z]+$/.test(plain) ? [plain] : []
}

interface FoundWord {
  readonly from: number
  readonly length: number
}

/** The longest word at each place, none within another. */
export function findWords(text: string, known: ReadonlySet<string>): readonly FoundWord[] {
  // Digits of a hexadecimal key are no letters in disguise.
  const plain = /^[0-9a-f]+$/i.test(text) ? text.toLowerCase() : undisguise(text)
  const found: FoundWord[] = []
  for (let from = 0; from < plain.length; ) {
    const length = longestAt(plain, from, known)
    if (length > 0) found.push({ from, length })
    from += Math.max(length, 1)
  }
  return found
}

/** As long as the text, so that places stay. */
export function undisguise(text: string): string {
  return Array.from(text.toLowerCase(), (character) => DISGUISES[character] ?? character).join('')
}

function longestAt(text: string, from: number, known: ReadonlySet<string>): number {
  for (
    let length = Math.min(MAX_WORD_CHARACTERS, text.length - from);
    length >= MIN_WORD_CHARACTERS;
    length -= 1
  ) {
    if (known.has(text.slice(from, from + length))) return length
  }
  return 0
}
