import { execFileSync } from 'node:child_process'
import { findFreePort } from './redis-server.ts'
import { type S3Server, ServerProcesses } from './s3-server.ts'
import type { Scope } from './temporary.ts'

const PYTHON = process.env['COFFRE_TEST_PYTHON'] ?? 'python3'
/** moto judges signatures by the address as it decoded it, so a slash in a parameter fails; it gets the address as sent. */
const LAUNCHER = `
import sys
from urllib.parse import urlparse
from flask import request
from moto.iam.access_control import S3IAMRequest
from moto.server import main
create = S3IAMRequest._create_aws_request
def create_as_sent(self):
    self._path = urlparse(request.environ['RAW_URI'])._replace(scheme='', netloc='').geturl()
    return create(self)
S3IAMRequest._create_aws_request = create_as_sent
sys.exit(main(sys.argv[1:]))
`

/** Why its tests cannot run here, or false. */
export const NO_MOTO: string | false = findProgram()
  ? false
  : 'moto is not installed: pip install "moto[s3,server]==5.2.1" (COFFRE_TEST_PYTHON names the Python that has it)'

/** moto, which keeps objects in memory, with signatures and conditions enforced. It ends with the test. */
export async function startMoto(scope: Scope): Promise<MotoServer> {
  const server = new MotoServer()
  scope.after(() => server.remove())
  await server.start()
  return server
}

export class MotoServer implements S3Server {
  readonly region = 'us-east-1'
  readonly #processes = new ServerProcesses()
  #port = 0
  #accessKeyId = ''
  #secretAccessKey = ''

  get port(): number {
    return this.#port
  }

  get accessKeyId(): string {
    return this.#accessKeyId
  }

  get secretAccessKey(): string {
    return this.#secretAccessKey
  }

  async start(): Promise<void> {
    this.#port ||= await findFreePort()
    // The part size of S3 itself would make every test write 5 MiB and more.
    const settings = { S3_UPLOAD_PART_MIN_SIZE: '1', PYTHONUNBUFFERED: '1' }
    const words = ['-c', LAUNCHER, '-H', '127.0.0.1', '-p', String(this.#port)]
    await this.#processes.start([PYTHON, ...words], this.#port, settings)
    await this.#makeUser()
  }

  async kill(): Promise<void> {
    await this.#processes.kill()
  }

  async remove(): Promise<void> {
    await this.#processes.end()
  }

  /** Everything is allowed to anybody until `reset-auth`; from then on signatures and policies count. */
  async #makeUser(): Promise<void> {
    await this.#iam({ Action: 'CreateUser', UserName: 'tester' })
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] }
    const PolicyDocument = JSON.stringify(policy)
    await this.#iam({ Action: 'PutUserPolicy', UserName: 'tester', PolicyName: 'all', PolicyDocument })
    const answer = await this.#iam({ Action: 'CreateAccessKey', UserName: 'tester' })
    this.#accessKeyId = /<AccessKeyId>(.*?)<\/AccessKeyId>/.exec(answer)?.[1] ?? ''
    this.#secretAccessKey = /<SecretAccessKey>(.*?)<\/SecretAccessKey>/.exec(answer)?.[1] ?? ''
    await this.#post('/moto-api/reset-auth', '0')
  }

  #iam(parameters: Readonly<Record<string, string>>): Promise<string> {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=any/20200101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=any'
    return this.#post('/', new URLSearchParams({ ...parameters, Version: '2010-05-08' }).toString(), {
      authorization,
      'content-type': 'application/x-www-form-urlencoded',
    })
  }

  async #post(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, { method: 'POST', body, headers })
    return answer.text()
  }
}

function findProgram(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import moto.server'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
