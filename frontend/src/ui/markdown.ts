// Markdown in, HTML that may be shown out.
//
// A document can come from anywhere, so it is not trusted: raw HTML is shown as text, what the renderer makes is sanitised once more against a
// short list, and nothing is ever loaded from elsewhere (pictures only as data: addresses). Links are left as they are written; who shows the
// result decides with `linkTarget` where a click goes.

import DOMPurify from 'dompurify'
import MarkdownIt from 'markdown-it'

const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false })

const inlineImage = /^data:image\/(?:png|jpeg|gif|webp);/i

markdown.core.ruler.push('cells-and-languages', (state) => {
  state.tokens.forEach((token, i) => {
    const align = /^text-align:\s*(left|center|right)/.exec(String(token.attrGet('style') ?? ''))
    if (align) {
      token.attrs = (token.attrs ?? []).filter(([name]) => name !== 'style')
      token.attrJoin('class', `align-${align[1] ?? 'left'}`)
    }
    const inside = state.tokens[i + 1]
    if (token.nesting === 1 && inside?.type === 'inline') {
      const lang = languageOf(inside.content)
      if (lang) token.attrSet('lang', lang)
    }
  })
})

markdown.renderer.rules['image'] = (tokens, index, options, _env, self) => {
  const token = tokens[index]
  const src = String(token?.attrGet('src') ?? '')
  if (!token) return ''
  const alt = self.renderInlineAsText(token.children ?? [], options, {})
  token.attrSet('alt', alt)
  if (inlineImage.test(src)) return self.renderToken(tokens, index, options)
  return `<span class="picture">${markdown.utils.escapeHtml(alt === '' ? src : alt)}</span>`
}

/** Renders a document. The result is safe to be set as innerHTML. */
export function render(text: string): string {
  return DOMPurify.sanitize(markdown.render(text), {
    ALLOWED_TAGS: [
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'blockquote', 'pre', 'code', 'hr', 'br'],
      ...['ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
      ...['strong', 'em', 's', 'a', 'img', 'span'],
    ],
    ALLOWED_ATTR: ['href', 'title', 'src', 'alt', 'class', 'lang', 'start'],
    ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto):|data:image\/(?:png|jpeg|gif|webp);|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
    ALLOW_DATA_ATTR: false,
  })
}

/** Where a click on a link leads: out of the app, to another document, or nowhere. */
export type LinkTarget = { kind: 'external'; url: string } | { kind: 'document'; path: string } | { kind: 'none' }

/** Reads a link of the document at `from`. Paths are relative to that document's folder and never leave the workspace. */
export function linkTarget(href: string, from: string): LinkTarget {
  if (/^(?:https?|mailto):/i.test(href)) return { kind: 'external', url: href }
  if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith('//')) return { kind: 'none' }
  const bare = decode(href.replace(/[?#].*$/, ''))
  if (!/\.(?:md|markdown)$/i.test(bare)) return { kind: 'none' }
  const steps = bare.startsWith('/') ? [] : from.split('/').slice(0, -1)
  for (const step of bare.split('/')) {
    if (step === '' || step === '.') continue
    if (step !== '..') steps.push(step)
    else if (steps.pop() === undefined) return { kind: 'none' }
  }
  return { kind: 'document', path: steps.join('/') }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

// The language a block is mostly written in, as far as the script tells: it decides how shared characters are drawn and read out.
function languageOf(text: string): string {
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  const kana = count(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu)
  const hangul = count(/\p{Script=Hangul}/gu)
  const han = count(/\p{Script=Han}/gu)
  if ((kana + hangul + han) * 2 < letters || kana + hangul + han === 0) return ''
  if (kana > 0) return 'ja'
  return hangul > 0 ? 'ko' : 'zh-Hans'
}
