// How sizes, durations and times are written, per language, by the browser's own tables.

export type DisplayLanguage = 'en' | 'zh-Hans'

// A number and its unit stay on one line, with a space between them in Chinese too.
const tied = (text: string): string => text.replace(' ', '\u00a0').replace(/(\d)(?=\p{Script=Han})/u, '$1\u00a0')

const units = [
  { unit: 'byte', size: 1, below: 1e3, digits: 0, display: 'long' },
  { unit: 'kilobyte', size: 1e3, below: 1e6, digits: 0, display: 'short' },
  { unit: 'megabyte', size: 1e6, below: 1e9, digits: 1, display: 'short' },
  { unit: 'gigabyte', size: 1e9, below: Infinity, digits: 1, display: 'short' },
] as const

// Bytes in decimal units with at most one digit behind the point: "512 bytes", "38 kB", "6.4 MB".
export function size(bytes: number, lang: DisplayLanguage): string {
  const b = Math.max(0, bytes)
  const at = units.findIndex((u) => rounded(b / u.size, u.digits) * u.size < u.below)
  const { unit, size: one, digits, display } = units[at < 0 ? units.length - 1 : at] ?? units[0]
  const shape = { style: 'unit', unit, unitDisplay: display, maximumFractionDigits: digits } as const
  return tied(new Intl.NumberFormat(lang, shape).format(b / one))
}

const rounded = (n: number, digits: number): number => Math.round(n * 10 ** digits) / 10 ** digits

const spans = [
  { unit: 'second', ms: 1e3, below: 60 },
  { unit: 'minute', ms: 60e3, below: 60 },
  { unit: 'hour', ms: 3600e3, below: 48 },
  { unit: 'day', ms: 86400e3, below: Infinity },
] as const

// A length of time in its largest fitting unit, never nought: "4 seconds", "12 minutes".
export function duration(ms: number, lang: DisplayLanguage): string {
  const fitting = spans.find((s) => Math.round(ms / s.ms) < s.below) ?? spans[3]
  const n = Math.max(1, Math.round(ms / fitting.ms))
  const shape = { style: 'unit', unit: fitting.unit, unitDisplay: lang === 'en' ? 'long' : 'short' } as const
  return tied(new Intl.NumberFormat(lang, shape).format(n))
}

export const clock = (at: number, lang: DisplayLanguage): string =>
  new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at)

// A date without the year where it is this year's: "3 May".
export function date(at: number, now: number, lang: DisplayLanguage): string {
  const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? {} : ({ year: 'numeric' } as const)
  return new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, { day: 'numeric', month: 'short', ...year }).format(at)
}

export type Nearness = 'today' | 'yesterday' | 'date'

// Whether a time lies in the present day, the one before or further away, on the calendar of this computer.
export function nearness(at: number, now: number): Nearness {
  const days = Math.round((midnight(now) - midnight(at)) / 86400e3)
  return days === 0 ? 'today' : days === 1 ? 'yesterday' : 'date'
}

const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0)

export const list = (items: string[], lang: DisplayLanguage): string => new Intl.ListFormat(lang, { type: 'conjunction' }).format(items)

export const percent = (share: number, lang: DisplayLanguage): string =>
  new Intl.NumberFormat(lang, { style: 'percent', maximumFractionDigits: 0 }).format(share)

/** A whole number with its separators: "1,204". */
export const number = (n: number, lang: DisplayLanguage): string => new Intl.NumberFormat(lang).format(n)
