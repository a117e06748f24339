import { expect, test } from 'vitest'
import type { Weekday } from '../model/quiet'
import { clock, date, days, duration, nearness, number, rate, size, weekday } from './format'

test.each([
  [0, '0 bytes'],
  [640, '640 bytes'],
  [1000, '1 kB'],
  [999_400, '999 kB'],
  [999_600, '1 MB'],
  [2_140_000, '2.1 MB'],
  [61_000_000, '61 MB'],
  [1_500_000_000, '1.5 GB'],
])('%d bytes', (bytes, want) => {
  expect(size(bytes, 'en')).toBe(want.replace(' ', '\u00a0'))
})

test.each([
  [0, '1 second'],
  [4_200, '4 seconds'],
  [59_700, '1 minute'],
  [12 * 60_000, '12 minutes'],
  [47 * 3_600_000, '47 hours'],
  [72 * 3_600_000, '3 days'],
])('%d ms', (ms, want) => {
  expect(duration(ms, 'en')).toBe(want.replace(' ', '\u00a0'))
})

test('Chinese characters keep their distance from a number', () => {
  expect(duration(4_200, 'zh-Hans')).toBe('4\u00a0秒')
  expect(duration(12 * 60_000, 'zh-Hans')).toBe('12\u00a0分钟')
  expect(duration(3 * 3_600_000, 'zh-Hans')).toBe('3\u00a0小时')
})

test.each([
  [250_000, '0.25 MB/s'],
  [1_000_000, '1 MB/s'],
  [99_999, '100 kB/s'],
  [640, '0.64 kB/s'],
])('%d bytes per second', (bytes, want) => {
  expect(rate(bytes, 'en')).toBe(want.replace(' ', '\u00a0'))
})

test.each<[string, en: string, zh: string]>([
  ['mon tue wed thu fri', 'Monday to Friday', '周一至周五'],
  ['sat sun', 'Saturday and Sunday', '周六和周日'],
  ['mon tue wed sun', 'Monday to Wednesday and Sunday', '周一至周三和周日'],
  ['tue', 'Tuesday', '周二'],
])('%s', (chosen, en, zh) => {
  const list = chosen.split(' ') as Weekday[]
  expect([days(list, 'en'), days(list, 'zh-Hans')]).toEqual([en, zh])
})

test('a day by its shortest name', () => {
  expect([weekday('sun', 'en', 'short'), weekday('sun', 'zh-Hans', 'narrow')]).toEqual(['Sun', '日'])
})

test('numbers are grouped', () => {
  expect(number(1204, 'en')).toBe('1,204')
})

test('a time of day has 24 hours', () => {
  expect(clock(new Date(2026, 0, 5, 0, 4).getTime(), 'en')).toBe('00:04')
  expect(clock(new Date(2026, 0, 5, 18, 30).getTime(), 'zh-Hans')).toBe('18:30')
})

test('a date has a year where it is not this one', () => {
  const now = new Date(2026, 4, 20).getTime()
  expect(date(new Date(2026, 4, 3).getTime(), now, 'en')).toBe('3 May')
  expect(date(new Date(2025, 4, 3).getTime(), now, 'en')).toBe('3 May 2025')
  expect(date(new Date(2026, 4, 3).getTime(), now, 'zh-Hans')).toBe('5月3日')
})

test('yesterday ends at midnight, not 24 hours ago, and tomorrow begins there', () => {
  const now = new Date(2026, 4, 20, 0, 5).getTime()
  expect(nearness(new Date(2026, 4, 20, 0, 1).getTime(), now)).toBe('today')
  expect(nearness(new Date(2026, 4, 19, 23, 59).getTime(), now)).toBe('yesterday')
  expect(nearness(new Date(2026, 4, 18, 23, 59).getTime(), now)).toBe('date')
  expect(nearness(new Date(2026, 4, 20, 23, 59).getTime(), now)).toBe('today')
  expect(nearness(new Date(2026, 4, 21, 0, 0).getTime(), now)).toBe('tomorrow')
  expect(nearness(new Date(2026, 4, 22, 0, 0).getTime(), now)).toBe('date')
})
