// Words in the user's language. Messages are flat JSON files, one per language, with the same keys; a test holds them to that.
// Components write `$t('workbench.saved', { when })` and change with the language.

import { createInstance, type TOptions } from 'i18next'
import { get, readonly, writable } from 'svelte/store'
import en from './en.json'
import zhHans from './zh-Hans.json'

export const languages = ['en', 'zh-Hans'] as const
export type AppLanguage = (typeof languages)[number]

// "docs.count_one" and "docs.count_other" are asked for as "docs.count".
type Base<K> = K extends `${infer B}_one` | `${infer B}_other` ? B : K
export type MessageKey = Base<keyof typeof en>
export type Translate = (key: MessageKey, params?: Record<string, string | number>) => string

const i18n = createInstance()
void i18n.init({
  lng: 'en',
  fallbackLng: 'en',
  supportedLngs: [...languages],
  resources: { en: { translation: en }, 'zh-Hans': { translation: zhHans } },
  interpolation: { prefix: '{', suffix: '}', escapeValue: false },
  keySeparator: false,
  nsSeparator: false,
  initAsync: false,
  showSupportNotice: false,
})

const current = writable<AppLanguage>('en')
const translate = writable<Translate>(translator('en'))

export const language = readonly(current)
export const t = readonly(translate)

/** Takes a BCP 47 tag. Anything Chinese is served in Simplified Chinese, everything else that is not known in English. */
export function setLanguage(tag: string): void {
  const next: AppLanguage = /^zh\b/i.test(tag) ? 'zh-Hans' : 'en'
  current.set(next)
  translate.set(translator(next))
}

/** The sentence now, for places that are not components. */
export function say(key: MessageKey, params: Record<string, string | number> = {}): string {
  return get(translate)(key, params)
}

function translator(lng: AppLanguage): Translate {
  const fixed = i18n.getFixedT(lng) as (key: string, options: TOptions) => string
  return (key, params = {}) => fixed(key, { ...params })
}
