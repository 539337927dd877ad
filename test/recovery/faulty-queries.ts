import pg from 'pg'

/** Told of each statement before it is sent; it sends it by `proceed`. */
export type OnQuery = (statement: {
  readonly sql: string
  readonly client: pg.Client
  readonly proceed: () => Promise<unknown>
}) => Promise<unknown>

type Query = (this: pg.Client, ...given: unknown[]) => unknown

/** Puts `onQuery` between this process and every PostgreSQL server. Answers how to take it away. */
export function interceptQueries(onQuery: OnQuery): () => void {
  const query = Reflect.get(pg.Client.prototype, 'query') as Query
  const intercepted: Query = function (...given) {
    const [sql] = given
    const proceed = () => query.apply(this, given)
    // What the pool sends by a callback is no statement of an operation.
    if (typeof sql !== 'string' || given.some((each) => typeof each === 'function')) return proceed()
    return onQuery({ sql, client: this, proceed: async () => await proceed() })
  }
  Object.assign(pg.Client.prototype, { query: intercepted })
  return () => Object.assign(pg.Client.prototype, { query })
}

/** As when a cable is pulled. */
export function cutConnection(client: pg.Client): void {
  const connection = Reflect.get(client, 'connection') as { readonly stream: { destroy(): void } }
  connection.stream.destroy()
}
