// Every word that people read, in their language. Messages are flat: one key, one text, parameters in single braces.
// The language is the one in the preferences, or the system's where none is chosen.

import { createInstance } from 'i18next'
import { derived, writable, type Readable } from 'svelte/store'
import type { Phrase, Value } from '../model/reasons'
import en from './en.json'
import { clock, date, days, duration, list, nearness, size, type DisplayLanguage } from './format'
import zhHans from './zh-Hans.json'

export type { DisplayLanguage } from './format'
export type MessageKey = keyof typeof en

// A language without a message would not compile.
const messages: Record<DisplayLanguage, Record<MessageKey, string>> = { en, 'zh-Hans': zhHans }

const i18n = createInstance()
void i18n.init({
  lng: 'en',
  fallbackLng: false,
  initAsync: false,
  keySeparator: false,
  nsSeparator: false,
  interpolation: { prefix: '{', suffix: '}', escapeValue: false },
  resources: Object.fromEntries(Object.entries(messages).map(([lang, texts]) => [lang, { translation: texts }])),
  supportedLngs: Object.keys(messages),
  load: 'currentOnly',
})

const current = writable<DisplayLanguage>('en')

export const language: Readable<DisplayLanguage> = { subscribe: current.subscribe }

// The language to show for a preference ('' follows the system) and a system language such as "zh-CN" or "de". Everything Chinese is shown
// in Simplified Chinese, what is not known in English.
export function resolveLanguage(preference: string, system: string): DisplayLanguage {
  return /^zh\b/i.test(preference || system) ? 'zh-Hans' : 'en'
}

// Switches every text in the window, and tells assistive technology and the choice of glyphs for Chinese characters.
export function setLanguage(preference: string, system = globalThis.navigator?.language ?? 'en'): void {
  const lang = resolveLanguage(preference, system)
  void i18n.changeLanguage(lang)
  if (typeof document !== 'undefined') document.documentElement.lang = lang
  current.set(lang)
}

type Params = Record<string, string | number>

export const t: Readable<(key: MessageKey, params?: Params) => string> = derived(current, (lang) => {
  const fixed = i18n.getFixedT(lang)
  return (key: MessageKey, params: Params = {}) => fixed(key, params)
})

// Writes a phrase of the model. `now` decides between "today" and a date.
export const say: Readable<(p: Phrase, now: number) => string> = derived([t, current], ([$t, lang]) => {
  const write = (value: Value, now: number): string | number => {
    if (typeof value !== 'object') return value
    if ('bytes' in value) return size(value.bytes, lang)
    if ('lasts' in value) return duration(value.lasts, lang)
    if ('list' in value) return list(value.list, lang)
    if ('days' in value) return value.days.length === 7 ? $t('days.all') : days(value.days, lang)
    if ('phrase' in value) return spoken(value.phrase, now)
    return moment($t, value.at, now, lang)
  }
  const spoken = (p: Phrase, now: number): string =>
    $t(p.key as MessageKey, Object.fromEntries(Object.entries(p.params).map(([name, value]) => [name, write(value, now)])))
  return spoken
})

// "today at 12:01", "yesterday at 18:04", "tomorrow at 07:00", "3 May at 09:12".
export const when: Readable<(at: number, now: number) => string> = derived(
  [t, current],
  ([$t, lang]) =>
    (at: number, now: number) =>
      moment($t, at, now, lang),
)

function moment($t: (key: MessageKey, params?: Params) => string, at: number, now: number, lang: DisplayLanguage): string {
  return $t(`when.${nearness(at, now)}`, { time: clock(at, lang), date: date(at, now, lang) })
}
