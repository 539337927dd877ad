import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CoffreError } from '../model/errors.ts'

interface KnownPath {
  readonly pattern: RegExp
  readonly methods: Set<string>
}

/** Every path that has a route, to tell a wrong method from a wrong address. */
export class RouteTable {
  readonly #paths = new Map<string, KnownPath>()

  /** Sees the routes that are added after it. */
  constructor(server: FastifyInstance) {
    server.addHook('onRoute', ({ url, method }) => {
      // A wildcard serves files; what it does not take is not there.
      if (url.includes('*')) return
      const known = this.#paths.get(url) ?? { pattern: toPattern(url), methods: new Set() }
      this.#paths.set(url, known)
      for (const each of [method].flat()) known.methods.add(each)
    })
  }

  /** NOT_FOUND, or METHOD_NOT_ALLOWED with the header that RFC 9110, section 15.5.6 asks for. */
  refuse(request: FastifyRequest, reply: FastifyReply): CoffreError {
    const [path = ''] = request.url.split('?')
    const methods = [...this.#paths.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((known) => [...known.methods])
    if (methods.length === 0) return new CoffreError('NOT_FOUND')
    void reply.header('allow', [...new Set(methods)].toSorted().join(', '))
    return new CoffreError('METHOD_NOT_ALLOWED')
  }
}

function toPattern(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll('.', '\\.')))
  return new RegExp(`^${parts.join('/')}$`)
}
