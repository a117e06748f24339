// Numbers, sizes and times as people of a language write them.

import type { AppLanguage } from './index'

const tags: Record<AppLanguage, string> = { en: 'en', 'zh-Hans': 'zh-Hans-CN' }

/** A whole or broken number with its separators. */
export function number(n: number, lang: AppLanguage, digits = 0): string {
  return new Intl.NumberFormat(tags[lang], { maximumFractionDigits: digits }).format(n)
}

/** Bytes in decimal units with two significant places: "640 B", "2.1 MB", "61 MB". */
export function size(bytes: number, lang: AppLanguage): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let n = Math.max(0, bytes)
  let unit = 0
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000
    unit++
  }
  return `${number(n, lang, unit > 0 && n < 9.95 ? 1 : 0)} ${units[unit] ?? ''}`
}

/** The time of day: "12:04". */
export function clock(at: string | Date, lang: AppLanguage): string {
  return new Intl.DateTimeFormat(tags[lang], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at))
}
