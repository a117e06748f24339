import { expect, test } from 'vitest'
import { clock, number, size } from './format'

test.each([
  [0, '0 B'],
  [640, '640 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [2_140_000, '2.1 MB'],
  [61_400_000, '61 MB'],
  [999_600, '1 MB'],
])('%d bytes', (bytes, want) => {
  expect(size(bytes, 'en')).toBe(want)
})

test('numbers are grouped', () => {
  expect(number(1204, 'en')).toBe('1,204')
})

test('a time of day has 24 hours', () => {
  expect(clock(new Date(2026, 0, 5, 0, 4), 'en')).toBe('00:04')
  expect(clock(new Date(2026, 0, 5, 18, 30), 'zh-Hans')).toBe('18:30')
})
