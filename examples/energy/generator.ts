/**
 * What a French energy application holds for one meter, made from a seed: a contract, the address, and for
 * every day the daily consumption and the half-hourly load curve, shaped like Enedis' `meter_reading`. The same
 * seed gives the same bytes, so decrypted documents can be compared with a fresh run. None of it is real.
 */
export interface EnergyDocument {
  /** From 0, without gaps. */
  readonly position: number
  readonly kind: 'contract' | 'address' | 'daily' | 'half-hourly'
  /** `2023-01-31` */
  readonly date: string
  /** JSON. */
  readonly text: string
  /** Measured values in it. */
  readonly points: number
}

export interface EnergyChoice {
  /** A whole number from 0. */
  readonly seed: number
  /** 1,095 are three years. */
  readonly days: number
}

const FIRST_DAY = Date.UTC(2023, 0, 1)
const DAY_MS = 86_400_000
const HALF_HOURS_BEFORE_TWO = 4
const STREETS = ['rue de la Forêt', 'allée des Châtaigniers', 'impasse du Général-Leclerc', 'chemin de l’Île']
const TOWNS = ['Nîmes', 'Saint-Étienne', 'Besançon', 'Orléans', 'Angoulême']
const HOLDERS = ['Hélène Lefèvre', 'Noël Gonçalves', 'Zoé Müller', 'François Besançon']

export class EnergyData {
  readonly days: number
  /** 14 digits. */
  readonly pdl: string
  readonly #seed: number

  constructor(choice: EnergyChoice) {
    this.days = choice.days
    this.#seed = choice.seed
    const draw = drawFrom(choice.seed)
    this.pdl = Array.from({ length: 14 }, (_, index) => Math.floor(draw() * (index === 0 ? 9 : 10))).join('')
  }

  /** Contract, address, and two documents a day. */
  get count(): number {
    return 2 + 2 * this.days
  }

  at(position: number): EnergyDocument {
    const date = formatDay(Math.max(0, Math.floor(position / 2) - 1))
    if (position === 0) return { position, kind: 'contract', date, ...this.#contract() }
    if (position === 1) return { position, kind: 'address', date, ...this.#address() }
    const curve = this.#loadCurve(Math.floor(position / 2) - 1)
    const day = { position, date, points: position % 2 === 0 ? 1 : curve.length }
    if (position % 2 === 1) return { ...day, kind: 'half-hourly', text: this.#halfHourly(date, curve) }
    return { ...day, kind: 'daily', text: this.#daily(date, curve) }
  }

  #contract() {
    const draw = drawFrom(this.#seed + 1)
    const contract = {
      usage_point_id: this.pdl,
      holder: pick(HOLDERS, draw),
      segment: 'C5',
      subscribed_power: `${pick([3, 6, 9, 12], draw)} kVA`,
      distribution_tariff: 'BTINFCUST',
      offpeak_hours: 'HC (22H30-6H30)',
      contract_status: 'SERVC',
      last_activation_date: '2022-11-07+01:00',
    }
    return { text: JSON.stringify({ customer: { contracts: contract } }), points: 0 }
  }

  #address() {
    const draw = drawFrom(this.#seed + 2)
    const address = {
      street: `${1 + Math.floor(draw() * 98)} bis, ${pick(STREETS, draw)}`,
      locality: 'Résidence Les Évêchés, bâtiment B, 3ᵉ étage',
      postal_code: String(10_000 + Math.floor(draw() * 85_000)),
      insee_code: String(10_000 + Math.floor(draw() * 85_000)),
      city: pick(TOWNS, draw),
      country: 'France',
      geo_points: { latitude: '48.2973', longitude: '4.0744', altitude: '109' },
    }
    return { text: JSON.stringify({ usage_point_id: this.pdl, usage_point_addresses: address }), points: 0 }
  }

  #daily(date: string, curve: readonly Reading[]): string {
    const wattHours = curve.reduce((sum, reading) => sum + reading.watts / 2, 0)
    const type = { unit: 'Wh', measurement_kind: 'energy', aggregate: 'sum', interval_length: 'P1D' }
    return this.#reading(date, type, [{ value: String(Math.round(wattHours)), date }])
  }

  #halfHourly(date: string, curve: readonly Reading[]): string {
    const type = { unit: 'W', measurement_kind: 'power', aggregate: 'average', interval_length: 'PT30M' }
    const readings = curve.map(({ watts, time }) => ({ value: String(watts), date: `${date} ${time}` }))
    return this.#reading(date, type, readings)
  }

  #reading(date: string, type: object, readings: readonly object[]): string {
    const reading = {
      usage_point_id: this.pdl,
      start: date,
      end: new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10),
      quality: 'BRUT',
      flow_direction: 'consumption',
      reading_type: type,
      interval_reading: readings,
    }
    return JSON.stringify({ meter_reading: reading })
  }

  /** A household: a base load, a morning and an evening, and heating in winter. */
  #loadCurve(day: number): readonly Reading[] {
    const draw = drawFrom(this.#seed + 3 + day)
    const winter = (1 + Math.cos((2 * Math.PI * day) / 365.25)) / 2
    return localHalfHours(FIRST_DAY + day * DAY_MS).map((halfHour) => {
      const hour = halfHour / 2
      const meals = bump(hour, 7.5) * 900 + bump(hour, 19.5) * 1_600
      const watts = Math.round(120 + winter * 700 + meals + draw() * 250)
      return { watts, time: `${pad(Math.floor(hour))}:${halfHour % 2 === 0 ? '00' : '30'}:00` }
    })
  }
}

interface Reading {
  readonly watts: number
  readonly time: string
}

/** 48 on most days; in local time 46 on the last Sunday of March and 50 on that of October. */
function localHalfHours(midnight: number): readonly number[] {
  const usual = Array.from({ length: 48 }, (_, halfHour) => halfHour)
  const day = new Date(midnight)
  const isLastSunday = day.getUTCDay() === 0 && day.getUTCDate() > 24
  if (!isLastSunday) return usual
  if (day.getUTCMonth() === 2) return usual.toSpliced(HALF_HOURS_BEFORE_TWO, 2)
  if (day.getUTCMonth() === 9) return usual.toSpliced(HALF_HOURS_BEFORE_TWO, 0, 4, 5)
  return usual
}

function bump(hour: number, peak: number): number {
  return Math.exp(-((hour - peak) ** 2) / 2)
}

function formatDay(day: number): string {
  return new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10)
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

function pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[], draw: () => number): Item {
  const item = items[Math.floor(draw() * items.length)]
  if (item === undefined) throw new Error('unreachable: there is something to pick from')
  return item
}

/** Numbers from 0 to 1 that repeat with the seed: xorshift32 (Marsaglia 2003). Never for secrets. */
export function drawFrom(seed: number): () => number {
  // Neighbouring seeds start far apart, and xorshift never leaves zero.
  let state = (Math.imul(seed + 1, 0x9e37_79b1) ^ 0x5bd1_e995) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
