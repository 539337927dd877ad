import pg from 'pg'
import { interceptStatements } from './faulty-statements.ts'

/** Kills this process as soon as statement number `after` has been run, begin and commit included. */
export function killAfterCall(after: number): void {
  let calls = 0
  const count = (): void => {
    calls += 1
    // The signal arrives before this returns.
    if (calls === after) process.kill(process.pid, 'SIGKILL')
  }
  interceptStatements(({ proceed }) => {
    const result = proceed()
    count()
    return result
  })
  const { prototype } = pg.Client
  const query: (...given: unknown[]) => unknown = Reflect.get(prototype, 'query')
  Object.assign(prototype, {
    query(this: pg.Client, ...given: unknown[]) {
      const answer = query.apply(this, given)
      if (!(answer instanceof Promise)) return answer
      return answer.finally(count)
    },
  })
}
