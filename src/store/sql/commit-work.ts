import type { Database } from './schema.ts'

/** One database transaction: all of `work` is durable when this resolves, nothing of it when it throws. */
export async function commitWork<Result>(
  writer: Database,
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const transaction = await writer.startTransaction().execute()
  try {
    const result = await work(transaction)
    await transaction.commit().execute()
    return result
  } catch (error) {
    // The first error is the one to report; a transaction that cannot even roll back ends with its
    // connection, and the next one begins with another attempt.
    await transaction
      .rollback()
      .execute()
      .catch(() => undefined)
    throw error
  }
}
