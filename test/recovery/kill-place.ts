import { openCoffre } from '../../src/app.ts'
import { toInstant } from '../../src/model/clock.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { localCaller } from '../../src/service/caller.ts'
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.ts'
import { coreOver, memorySeal } from '../core-over.ts'

/** Where a Coffre that is killed keeps its data: a folder, or the URL of a database. */
export function openAt(place: string): Promise<Coffre> {
  return place.startsWith('postgres://')
    ? openDatabase(place)
    : openCoffre({ dataDir: place, createIfMissing: true })
}

/** A test's own seal key: what is proved here is about the store. */
const SEAL_KEY = new Uint8Array(32).fill(7)

async function openDatabase(url: string): Promise<Coffre> {
  const clock = () => toInstant(Date.now())
  const store = await openPostgresStore({ url, random: Math.random, clock })
  const seal = memorySeal(SEAL_KEY)
  const { core, coffre } = coreOver(store, { seal, clock })
  try {
    if (await core.isInitialised()) await coffre.operator.unseal()
    else await core.initialise(localCaller(), seal)
    return coffre
  } catch (error) {
    await core.close()
    throw error
  }
}
