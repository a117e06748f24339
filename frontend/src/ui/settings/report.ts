import type { UpdateStatus } from '../../bridge'

type Reported = Omit<UpdateStatus, 'progress' | 'restored'>

/** What a maintainer needs to know about a failed update, in English whatever the language on the page. */
export function report(s: Reported): string {
  const { code, params, detail } = s.reason ?? { code: 'none', params: {}, detail: '' }
  return [
    `Tesseract ${s.installed}${s.target ? `, update to ${s.target}` : ''} (${s.channel})`,
    `state: ${s.state} since ${s.since}`,
    ['reason:', code, ...Object.entries(params).map(([name, value]) => `${name}=${value}`)].join(' '),
    `last check: ${s.lastCheck || 'never'}`,
    ...(detail ? ['', detail] : []),
  ].join('\n')
}

/** Puts a text on the clipboard. Where the page may not, a selection and the browser's own "copy" still can. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const before = document.activeElement
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    if (before instanceof HTMLElement) before.focus({ preventScroll: true })
    return done
  }
}
