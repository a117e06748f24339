// Quiet hours: the times of the week at which nothing restarts unasked, and what people type to choose them. The engine decides, by the same
// rules (updater/quiet.go); here they are only told.

import { phrase, type Phrase } from './reasons'

export const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof week)[number]

export interface QuietHours {
  on: boolean
  from: string // on a clock with 24 hours: "09:00"
  to: string // where it is no later than from, they end on the next day
  days: string // on which they begin: "mon tue fri"
  downloads: boolean // downloads that nobody asked for wait, too
}

export const daysOf = (days: string): Weekday[] => week.filter((day) => days.split(/\s+/).includes(day))

/** The days with one of them put in or taken out. */
export function toggleDay(days: string, day: Weekday): string {
  const chosen = daysOf(days)
  return week.filter((d) => chosen.includes(d) !== (d === day)).join(' ')
}

/** The time of day that somebody typed, as "09:00", or null: "9", "9.30", "930" and full-width digits are understood. */
export function timeOfDay(typed: string): string | null {
  const found = /^(\d{1,2})(?:[:.]?(\d{2}))?$/.exec(typed.normalize('NFKC').trim())
  if (!found) return null
  const [hour, minute] = [Number(found[1]), Number(found[2] ?? 0)]
  if (hour > 23 || minute > 59) return null
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
}

const minuteOf = (time: string): number => {
  const [hour = 0, minute = 0] = (timeOfDay(time) ?? '').split(':').map(Number)
  return hour * 60 + minute
}

/** When the quiet hours end that `now` lies in, or null where it lies in none. Both in milliseconds since 1970. */
export function quietUntil(q: QuietHours, now: number): number | null {
  const on = new Set(daysOf(q.days))
  const [from, to] = [minuteOf(q.from), minuteOf(q.to)]
  const within = (at: Date): boolean => {
    const minute = at.getHours() * 60 + at.getMinutes()
    const [today, yesterday] = [dayOf(at, 0), dayOf(at, 6)]
    if (from < to) return on.has(today) && from <= minute && minute < to
    return (on.has(today) && minute >= from) || (on.has(yesterday) && minute < to)
  }
  if (!q.on || !within(new Date(now))) return null
  // Nights can follow one another without a gap; a week later everything repeats.
  const end = new Date(now)
  for (let day = 0; day < 8; day++) {
    const next = new Date(end).setHours(0, to, 0, 0)
    end.setTime(next > end.getTime() ? next : new Date(end).setHours(24, to, 0, 0))
    if (!within(end)) return end.getTime()
  }
  return end.getTime()
}

// The day `shift` days after that of `at`.
const dayOf = (at: Date, shift: number): Weekday => week[(at.getDay() + 6 + shift) % 7] ?? 'mon'

/** What the quiet hours do, whether they are on or not. */
export function tellQuiet(q: QuietHours): Phrase {
  const days = daysOf(q.days)
  if (days.length === 0) return phrase('quiet.never')
  if (days.length === week.length && minuteOf(q.from) === minuteOf(q.to)) return phrase('quiet.always')
  const params = { from: q.from, to: q.to, days: { days } }
  return phrase(minuteOf(q.from) < minuteOf(q.to) ? 'quiet.d' : 'quiet.d.night', params)
}
