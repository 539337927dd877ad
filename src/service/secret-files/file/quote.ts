export const SHELLS = ['bash', 'fish', 'pwsh'] as const

export type Shell = (typeof SHELLS)[number]

/** Nothing in it means anything to a shell, an env file, Docker's --env-file or systemd. */
const PLAIN = /^[A-Za-z0-9_.+=:,@-]+$/

/**
 * A value of an env file: bare where every reader takes it as it is, else in single quotes, in which bash, Node.js and
 * dotenv leave everything as it is. `undefined` where no form says the same to all of them.
 */
export function quoteDotenv(value: string): string | undefined {
  if (PLAIN.test(value)) return value
  if (/['\r\n\0]/.test(value)) return quoteDouble(value)
  return `'${value}'`
}

/** Double quotes only for what single ones cannot hold, and only where no reader sees an escape or a variable. */
function quoteDouble(value: string): string | undefined {
  return /["\\$`!\r\n\0]/.test(value) ? undefined : `"${value}"`
}

/** A basic string of TOML 1.0, whose escapes are those of JSON but for DEL. */
export function quoteToml(value: string): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f')
}

/** The statement that sets a variable in that shell and in the programs that it starts. */
export function exportStatement(shell: Shell, name: string, value: string): string {
  if (shell === 'bash') return `export ${name}='${value.replaceAll("'", `'\\''`)}'`
  if (shell === 'fish') return `set -gx ${name} '${value.replaceAll(/[\\']/g, '\\$&')}'`
  // PowerShell takes the typographic single quotes for straight ones.
  return `$env:${name} = '${value.replaceAll(/['\u2018-\u201b]/g, '$&$&')}'`
}
