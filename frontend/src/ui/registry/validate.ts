// Checks of what a snapshot says. Each returns the value with its type, or throws with the place and what is wrong there.
export type Check<T> = (raw: unknown, at: string) => T

function fail(at: string, wanted: string): never {
  throw new Error(`${at} is not ${wanted}`)
}

export const text =
  (max: number): Check<string> =>
  (raw, at) =>
    typeof raw === 'string' && raw.length <= max ? raw : fail(at, `a text of at most ${max} characters`)

export const flag: Check<boolean> = (raw, at) => (typeof raw === 'boolean' ? raw : fail(at, 'true or false'))

export const number =
  (low: number, high: number): Check<number> =>
  (raw, at) =>
    typeof raw === 'number' && raw >= low && raw <= high ? raw : fail(at, `a number from ${low} to ${high}`)

export const whole =
  (low: number, high: number): Check<number> =>
  (raw, at) =>
    Number.isInteger(raw) ? number(low, high)(raw, at) : fail(at, 'a whole number')

export const oneOf =
  <const T extends string>(...all: T[]): Check<T> =>
  (raw, at) =>
    all.find((one) => one === raw) ?? fail(at, `one of ${all.join(', ')}`)

export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (raw, at) =>
    raw === null ? null : check(raw, at)

export const list =
  <T>(check: Check<T>, max: number): Check<T[]> =>
  (raw, at) =>
    Array.isArray(raw) && raw.length <= max ? raw.map((item, i) => check(item, `${at}[${i}]`)) : fail(at, `a list of at most ${max}`)

// An object with exactly these keys; others are dropped.
export const shape =
  <T extends object>(checks: { [K in keyof T]: Check<T[K]> }): Check<T> =>
  (raw, at) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return fail(at, 'an object')
    const source = raw as Record<string, unknown>
    const result: Record<string, unknown> = {}
    for (const key of Object.keys(checks) as (keyof T & string)[]) result[key] = checks[key](source[key], `${at}.${key}`)
    return result as T
  }

export const record =
  <T>(check: Check<T>, max: number): Check<Record<string, T>> =>
  (raw, at) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return fail(at, 'an object')
    const entries = Object.entries(raw)
    if (entries.length > max) return fail(at, `an object of at most ${max} keys`)
    return Object.fromEntries(entries.map(([key, value]) => [key, check(value, `${at}.${key}`)]))
  }
