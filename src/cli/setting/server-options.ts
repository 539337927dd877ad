import type { OptionReader } from '../line/option-reader.ts'

/** Options of `coffre serve` that stand for a setting of config.ts, which checks their values. */
export const SERVER_SETTINGS = [
  ['host', 'COFFRE_HOST'],
  ['port', 'COFFRE_PORT'],
  ['log-level', 'COFFRE_LOG_LEVEL'],
  ['workers', 'COFFRE_WORKERS'],
  ['tls-cert', 'COFFRE_TLS_CERT'],
  ['tls-key', 'COFFRE_TLS_KEY'],
  ['tls-client-ca', 'COFFRE_TLS_CLIENT_CA'],
  ['tls-client-crl', 'COFFRE_TLS_CLIENT_CRL'],
  ['tls-min', 'COFFRE_TLS_MIN'],
] as const

/** As the variables that they stand for. */
export function readServerOptions(options: OptionReader): Readonly<Record<string, string>> {
  const given = SERVER_SETTINGS.flatMap(([option, variable]) => {
    const value = options.text(option)
    return value === undefined ? [] : [[variable, value]]
  })
  return Object.fromEntries(given)
}
