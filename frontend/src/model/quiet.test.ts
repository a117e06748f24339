import { describe, expect, test } from 'vitest'
import { daysOf, quietUntil, tellQuiet, timeOfDay, toggleDay, type QuietHours } from './quiet'

const hours = (from: string, to: string, days: string): QuietHours => ({ on: true, from, to, days, downloads: true })

describe('a time of day', () => {
  test.each([
    ['09:00', '09:00'],
    [' 9 ', '09:00'],
    ['9.30', '09:30'],
    ['930', '09:30'],
    ['0930', '09:30'],
    ['23:59', '23:59'],
    ['０９：３０', '09:30'],
    ['0', '00:00'],
  ])('%o', (typed, want) => expect(timeOfDay(typed)).toBe(want))

  test.each(['', '24:00', '9:60', '09:0', '09:', '9 pm', '-1', '09:00:00', '1e1', 'noon', '99999'])('%o is none', (typed) =>
    expect(timeOfDay(typed)).toBeNull(),
  )
})

describe('days', () => {
  test('in the order of the week, whatever the order in the file', () => {
    expect(daysOf('sun  mon mon')).toEqual(['mon', 'sun'])
    expect(daysOf('someday')).toEqual([])
  })
  test('are put in and taken out', () => {
    expect(toggleDay('mon fri', 'wed')).toBe('mon wed fri')
    expect(toggleDay('mon fri', 'mon')).toBe('fri')
    expect(toggleDay('fri', 'fri')).toBe('')
  })
})

// By the local clock, as the engine's own table. 2026-05-04 is a Monday.
describe('the end of the quiet hours', () => {
  const office = hours('09:00', '18:00', 'mon tue wed thu fri')
  const night = hours('22:00', '07:00', 'fri')
  test.each<[QuietHours, now: string, end: string | null]>([
    [office, '2026-05-04T08:59:59', null],
    [office, '2026-05-04T09:00:00', '2026-05-04T18:00:00'],
    [office, '2026-05-04T17:59:59', '2026-05-04T18:00:00'],
    [office, '2026-05-04T18:00:00', null],
    [office, '2026-05-03T12:00:00', null],
    [{ ...office, on: false }, '2026-05-04T12:00:00', null],
    [{ ...office, days: '' }, '2026-05-04T12:00:00', null],
    [night, '2026-05-08T23:00:00', '2026-05-09T07:00:00'],
    [night, '2026-05-09T06:59:00', '2026-05-09T07:00:00'],
    [night, '2026-05-08T06:59:00', null],
    [night, '2026-05-09T22:30:00', null],
    [hours('08:00', '08:00', 'mon tue'), '2026-05-04T09:00:00', '2026-05-06T08:00:00'],
    [hours('08:00', '08:00', 'mon tue wed thu fri sat sun'), '2026-05-04T09:00:00', '2026-05-12T08:00:00'],
    [hours('09:00', '18:00', 'sun'), '2026-05-03T12:00:00', '2026-05-03T18:00:00'],
  ])('%o at %s', (q, now, end) => {
    const until = quietUntil(q, Date.parse(now))
    expect(until === null ? null : new Date(until).toString()).toBe(end === null ? null : new Date(end).toString())
  })
})

test('quiet hours in words', () => {
  expect(tellQuiet(hours('09:00', '18:00', 'mon tue'))).toEqual({
    key: 'quiet.d',
    params: { from: '09:00', to: '18:00', days: { days: ['mon', 'tue'] } },
  })
  expect(tellQuiet(hours('22:00', '07:00', 'mon')).key).toBe('quiet.d.night')
  expect(tellQuiet(hours('07:00', '07:00', 'mon')).key).toBe('quiet.d.night')
  expect(tellQuiet(hours('07:00', '7:00', 'mon tue wed thu fri sat sun')).key).toBe('quiet.always')
  expect(tellQuiet(hours('09:00', '18:00', '')).key).toBe('quiet.never')
})
