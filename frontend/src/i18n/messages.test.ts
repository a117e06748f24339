import { afterEach, describe, expect, test } from 'vitest'
import en from './en.json'
import { say, setLanguage } from './index'
import zhHans from './zh-Hans.json'

const base = (key: string) => key.replace(/_(one|other)$/, '')
const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()

describe('messages', () => {
  test('both languages have the same keys', () => {
    expect([...new Set(Object.keys(zhHans).map(base))].sort()).toEqual([...new Set(Object.keys(en).map(base))].sort())
  })

  test.each(Object.entries(zhHans))('%s has the same places to fill in', (key, text) => {
    expect(holes(text)).toEqual(holes((en as Record<string, string>)[key] ?? ''))
  })

  test.each([...Object.entries(en), ...Object.entries(zhHans)])('%s is not empty', (_key, text) => {
    expect(text.trim()).not.toBe('')
  })
})

describe('say', () => {
  afterEach(() => setLanguage('en'))

  test.each([
    ['en-GB', '1 document', '2 documents'],
    ['zh-Hans', '1 篇文稿', '2 篇文稿'],
    ['zh-CN', '1 篇文稿', '2 篇文稿'],
    ['fr', '1 document', '2 documents'],
  ])('%s', (tag, one, two) => {
    setLanguage(tag)
    expect(say('docs.count', { count: 1, n: '1' })).toBe(one)
    expect(say('docs.count', { count: 2, n: '2' })).toBe(two)
  })

  test('text that is filled in stays as it is', () => {
    expect(say('docs.deleted', { name: '<b>&{x}.md' })).toBe('<b>&{x}.md was deleted.')
  })
})
