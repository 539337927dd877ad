const ATTEMPT_MILLISECONDS = 10_000

/** The status of an answer, which is not followed and not read; `undefined` where none came in time. */
export async function askStatus(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(ATTEMPT_MILLISECONDS)
    const answer = await fetch(address, { headers, redirect: 'manual', signal })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return undefined
  }
}
