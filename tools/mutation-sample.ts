import { createHash } from 'node:crypto'

/*
 * A Stryker plugin that lets so many mutants through, drawn evenly from all of them. Stryker has no word for a
 * mutant that was not drawn and calls it a compile error, which its score leaves out as well. A larger sample of
 * the same seed contains the smaller one.
 */
interface Mutant {
  readonly id: string
  readonly fileName: string
  readonly mutatorName: string
  readonly replacement: string
  readonly location: object
}

interface Options {
  readonly sample: { readonly size: number; readonly seed: string }
}

class Sample {
  static readonly inject = ['options'] as const
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  async init(): Promise<void> {}

  /** All at once, so that `check` can choose among them. */
  async group(mutants: readonly Mutant[]): Promise<readonly string[][]> {
    return [mutants.map(({ id }) => id)]
  }

  async check(mutants: readonly Mutant[]): Promise<Readonly<Record<string, object>>> {
    const { size, seed } = this.#options.sample
    const lots = mutants
      .map((mutant) => ({ id: mutant.id, lot: drawLot(seed, mutant) }))
      .toSorted((left, right) => Buffer.compare(left.lot, right.lot))
    const answer = (at: number) =>
      at < size ? { status: 'passed' } : { status: 'compileError', reason: 'not drawn' }
    return Object.fromEntries(lots.map(({ id }, at) => [id, answer(at)]))
  }
}

function drawLot(seed: string, { fileName, mutatorName, replacement, location }: Mutant): Buffer {
  const file = fileName.slice(fileName.lastIndexOf('/src/'))
  return createHash('sha256')
    .update(JSON.stringify([seed, file, mutatorName, replacement, location]))
    .digest()
}

export const strykerPlugins = [{ kind: 'Checker', name: 'sample', injectableClass: Sample }]
export const strykerValidationSchema = { properties: { sample: { type: 'object' } } }
