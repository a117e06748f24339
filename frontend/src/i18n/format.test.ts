import { expect, test } from 'vitest'
import { clock, date, duration, nearness, number, size } from './format'

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

test('yesterday ends at midnight, not 24 hours ago', () => {
  const now = new Date(2026, 4, 20, 0, 5).getTime()
  expect(nearness(new Date(2026, 4, 20, 0, 1).getTime(), now)).toBe('today')
  expect(nearness(new Date(2026, 4, 19, 23, 59).getTime(), now)).toBe('yesterday')
  expect(nearness(new Date(2026, 4, 18, 23, 59).getTime(), now)).toBe('date')
})
