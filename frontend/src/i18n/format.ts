// How sizes, durations and times are written, per language, by the browser's own tables.

import { week, type Weekday } from '../model/quiet'

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

export type Nearness = 'today' | 'yesterday' | 'tomorrow' | 'date'

// Whether a time lies in the present day, the one before or after it, or further away, on the calendar of this computer.
export function nearness(at: number, now: number): Nearness {
  const days = Math.round((midnight(now) - midnight(at)) / 86400e3)
  return days === 0 ? 'today' : days === 1 ? 'yesterday' : days === -1 ? 'tomorrow' : 'date'
}

const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0)

export const list = (items: string[], lang: DisplayLanguage): string => new Intl.ListFormat(lang, { type: 'conjunction' }).format(items)

export const percent = (share: number, lang: DisplayLanguage): string =>
  new Intl.NumberFormat(lang, { style: 'percent', maximumFractionDigits: 0 }).format(share)

/** A whole number with its separators: "1,204". */
export const number = (n: number, lang: DisplayLanguage): string => new Intl.NumberFormat(lang).format(n)

// Bytes per second, as people know them from their connection: "0.25 MB/s".
export function rate(bytes: number, lang: DisplayLanguage): string {
  const large = bytes >= 1e5
  const shape = { style: 'unit', unit: large ? 'megabyte-per-second' : 'kilobyte-per-second', maximumFractionDigits: 2 } as const
  return tied(new Intl.NumberFormat(lang, shape).format(bytes / (large ? 1e6 : 1e3)))
}

const aMonday = Date.UTC(2024, 0, 1)

export function weekday(day: Weekday, lang: DisplayLanguage, length: 'long' | 'short' | 'narrow'): string {
  return new Intl.DateTimeFormat(lang, { weekday: length, timeZone: 'UTC' }).format(aMonday + week.indexOf(day) * 86400e3)
}

// Days of the week, in its order: "Monday to Friday", "Monday, Tuesday and Sunday". Three in a row and more are a range.
export function days(chosen: Weekday[], lang: DisplayLanguage): string {
  const runs: Weekday[][] = []
  for (const day of chosen) {
    const run = runs.at(-1)
    if (run && week.indexOf(day) === week.indexOf(run.at(-1) ?? day) + 1) run.push(day)
    else runs.push([day])
  }
  const name = (day: Weekday | undefined) => (day ? weekday(day, lang, lang === 'en' ? 'long' : 'short') : '')
  const spans = runs.flatMap((run) => (run.length > 2 ? [`${name(run[0])}${to[lang]}${name(run.at(-1))}`] : run.map(name)))
  return list(spans, lang)
}

const to: Record<DisplayLanguage, string> = { en: ' to ', 'zh-Hans': '至' }
