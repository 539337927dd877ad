import type { UserId } from '../../model/ids.ts'
import type { User } from '../../model/user.ts'
import type { Store } from '../../store/store.ts'

/** Rows of one transaction: others wait no longer than for these. */
const PAGE = 100

/** Every user of every tenant who has a key, in pages. */
export async function* pages(store: Store): AsyncGenerator<readonly User[]> {
  let after: UserId | undefined
  for (;;) {
    const from = after === undefined ? {} : { after }
    const users = await store.listUsers({ withApiKey: true, limit: PAGE, ...from })
    if (users.length > 0) yield users
    if (users.length < PAGE) return
    after = users.at(-1)?.id
  }
}
