import { ERRORS } from '../model/errors.ts'
import { type Catalogue, isLanguage, type Language } from '../model/message/catalogue.ts'
import { en } from '../model/message/en.ts'
import type { Environment } from './output/terminal.ts'

/** The first that is set decides, as in POSIX (LC_ALL over LC_MESSAGES over LANG); English otherwise. */
const VARIABLES = ['COFFRE_LANG', 'LC_ALL', 'LC_MESSAGES', 'LANG']

/** Read before the command line is parsed, because the parser's own texts are in that language. */
export function chooseLanguage(argv: readonly string[], environment: Environment): Language {
  const asked = askedLanguage(argv) ?? VARIABLES.map((name) => environment[name]).find(Boolean) ?? 'en'
  const short = asked.slice(0, 2).toLowerCase()
  return isLanguage(short) ? short : 'en'
}

/** French and German load only where they are used. */
export async function loadCatalogue(language: Language): Promise<Catalogue> {
  if (language === 'fr') {
    const [{ fr }, { errorsFr }] = await Promise.all([
      import('../model/message/fr.ts'),
      import('../model/message/errors-fr.ts'),
    ])
    return { language, messages: fr, errors: errorsFr }
  }
  if (language === 'de') {
    const [{ de }, { errorsDe }] = await Promise.all([
      import('../model/message/de.ts'),
      import('../model/message/errors-de.ts'),
    ])
    return { language, messages: de, errors: errorsDe }
  }
  return { language: 'en', messages: en, errors: ERRORS }
}

function askedLanguage(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((argument) => argument === '--lang' || argument.startsWith('--lang='))
  const argument = argv[at]
  return argument === '--lang' ? argv[at + 1] : argument?.slice('--lang='.length)
}
