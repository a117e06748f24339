import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { get } from 'svelte/store'
import { afterEach, describe, expect, test } from 'vitest'
import en from './en.json'
import { language, setLanguage, t } from './index'
import zhHans from './zh-Hans.json'

const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
const keys = Object.keys(en)

const source = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|svelte)$/.test(file) && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(import.meta.dirname, '..', file), 'utf8'))
  .join('\n')

describe('messages', () => {
  test('both languages have the same keys', () => {
    expect(Object.keys(zhHans).sort()).toEqual([...keys].sort())
  })

  test.each(Object.entries(zhHans))('%s has the same places to fill in', (key, text) => {
    expect(holes(text)).toEqual(holes((en as Record<string, string>)[key] ?? ''))
  })

  test.each([...Object.entries(en), ...Object.entries(zhHans)])('%s is not empty', (_key, text) => {
    expect(text.trim()).not.toBe('')
  })

  // A key stands in the source as a whole, or with a part that a closed union fills in (`channel.${id}.d`), or belongs to an error's sentence.
  test('every key is used', () => {
    const made = [...source.matchAll(/`([a-z]+\.(?:\w+\.)*\$\{[^`]*)`/g)].map(
      ([, text = '']) => new RegExp(`^${text.replaceAll('.', '\\.').replace(/\$\{.*?\}/g, '[^.]+')}$`),
    )
    const remedy = (key: string) => key.endsWith('.d') && source.includes(`said('${key.slice(0, -2)}'`)
    const used = (key: string) => source.includes(`'${key}'`) || remedy(key) || made.some((pattern) => pattern.test(key))
    expect(keys.filter((key) => !used(key))).toEqual([])
  })
})

describe('the language', () => {
  afterEach(() => setLanguage('en'))

  test.each([
    ['en-GB', 'Settings'],
    ['zh-Hans', '设置'],
    ['zh-CN', '设置'],
    ['fr', 'Settings'],
  ])('%s', (tag, want) => {
    setLanguage(tag)
    expect(get(t)('settings.title')).toBe(want)
  })

  test("follows the system's where none is chosen", () => {
    setLanguage('', 'zh-TW')
    expect(get(language)).toBe('zh-Hans')
    setLanguage('', 'de')
    expect(get(language)).toBe('en')
  })

  test('text that is filled in stays as it is', () => {
    expect(get(t)('docs.deleted', { name: '<b>&{x}.md' })).toBe('<b>&{x}.md was deleted.')
  })
})
