import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Why a suite that needs the `openssl` command is skipped; false where it is there. */
export const withoutOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl; apt-get install openssl'

export interface Issued {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface IssueOptions {
  readonly subject?: string
  /** Lines of an X.509 extension section. */
  readonly extensions?: readonly string[]
  readonly days?: number
  /** openssl's own form, such as 20200101000000Z. */
  readonly from?: string
  readonly to?: string
}

const SERVER = ['subjectAltName=DNS:localhost,IP:127.0.0.1', 'extendedKeyUsage=serverAuth']

/** A certificate authority of the `openssl` command, in a folder. */
export class Authority {
  readonly #folder: string
  readonly name: string

  constructor(folder: string, name = 'authority') {
    this.#folder = folder
    this.name = name
    this.#openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', this.#path('key'))
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
    const added = extensions.flatMap((line) => ['-addext', line])
    const request = ['-new', '-x509', '-days', '30', '-subj', `/CN=${name}`, '-config', this.#emptyConfig()]
    this.#openssl('req', ...request, ...added, '-key', this.#path('key'), '-out', this.certificateFile)
  }

  get certificateFile(): string {
    return this.#path('crt')
  }

  get certificate(): string {
    return readFileSync(this.certificateFile, 'latin1')
  }

  /** A key of its own and a certificate over it, both replaced where they exist. */
  issue(name: string, options: IssueOptions = {}): Issued {
    const issued = {
      certificateFile: join(this.#folder, `${name}.crt`),
      keyFile: join(this.#folder, `${name}.key`),
    }
    const request = join(this.#folder, `${name}.csr`)
    const extensions = join(this.#folder, `${name}.ext`)
    this.#openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', issued.keyFile)
    chmodSync(issued.keyFile, 0o600)
    const subject = options.subject ?? `/CN=${name}`
    this.#openssl(
      'req',
      '-new',
      '-config',
      this.#emptyConfig(),
      '-subj',
      subject,
      '-key',
      issued.keyFile,
      '-out',
      request,
    )
    writeFileSync(extensions, `${(options.extensions ?? SERVER).join('\n')}\n`)
    this.#sign(request, extensions, issued, options)
    return issued
  }

  #sign(request: string, extensions: string, issued: Issued, options: IssueOptions): void {
    const signer = ['-CA', this.certificateFile, '-CAkey', this.#path('key'), '-CAcreateserial']
    const { from, to, days = 30 } = options
    if (from === undefined) {
      const output = ['-days', String(days), '-extfile', extensions, '-out', issued.certificateFile]
      return this.#openssl('x509', '-req', '-in', request, ...signer, ...output)
    }
    return this.#signBetween({ request, extensions, issued, from, to: to ?? from })
  }

  /** Writes the list of what is revoked now. */
  revoke(certificates: readonly Issued[], file: string): void {
    const config = this.#writeConfig()
    const signer = ['-config', config, '-cert', this.certificateFile, '-keyfile', this.#path('key')]
    for (const { certificateFile } of certificates) this.#openssl('ca', ...signer, '-revoke', certificateFile)
    this.#openssl('ca', ...signer, '-gencrl', '-crldays', '30', '-out', `${file}.new`)
    renameSync(`${file}.new`, file)
  }

  /** Only `openssl ca` of OpenSSL 3.0 takes moments. */
  #signBetween(job: { request: string; extensions: string; issued: Issued; from: string; to: string }): void {
    const config = this.#writeConfig()
    const signer = [
      '-config',
      config,
      '-cert',
      this.certificateFile,
      '-keyfile',
      this.#path('key'),
      '-batch',
      '-notext',
    ]
    const output = ['-extfile', job.extensions, '-out', job.issued.certificateFile]
    this.#openssl('ca', ...signer, '-startdate', job.from, '-enddate', job.to, '-in', job.request, ...output)
  }

  #writeConfig(): string {
    const config = join(this.#folder, `${this.name}.ca.cnf`)
    const lines = [
      '[ca]',
      'default_ca=d',
      '[d]',
      `database=${this.#path('index')}`,
      `new_certs_dir=${this.#folder}`,
    ]
    const rules = [
      'rand_serial=yes',
      'default_md=sha256',
      'policy=p',
      'unique_subject=no',
      '[p]',
      'commonName=optional',
    ]
    writeFileSync(config, [...lines, ...rules, ''].join('\n'))
    writeFileSync(this.#path('index'), '')
    return config
  }

  #path(extension: string): string {
    return join(this.#folder, `${this.name}.${extension}`)
  }

  /** Debian's own configuration adds extensions. */
  #emptyConfig(): string {
    const path = join(this.#folder, 'empty.cnf')
    writeFileSync(path, '[req]\ndistinguished_name=dn\n[dn]\n')
    return path
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
}
