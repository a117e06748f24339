// The editor's looks. Colours are the variables of the page, so that a theme changes without the editor's doing.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'

const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'transparent', fontSize: 'var(--editor-size, 0.875rem)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { padding: 'var(--s4, 12px) 0 40vh', caretColor: 'var(--accent)' },
  '.cm-content:focus-visible': { boxShadow: 'none' }, // the caret says where the keyboard is
  '.cm-line': { padding: '0 var(--s6, 24px) 0 var(--s3, 8px)' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { backgroundColor: 'var(--sel)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--panel) 60%, transparent)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--ink3)', border: 'none', paddingLeft: 'var(--s3, 8px)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-foldGutter .cm-gutterElement': { cursor: 'default', padding: '0 var(--s2, 4px)' },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--panel)',
    border: '1px solid var(--line)',
    borderRadius: 'var(--r1, 4px)',
    color: 'var(--ink3)',
    padding: '0 var(--s2, 4px)',
  },
  '.cm-panels': {
    backgroundColor: 'var(--panel)',
    color: 'var(--ink)',
    fontFamily: 'var(--font-ui)',
    fontSize: 'var(--text-2, 0.8125rem)',
  },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panel.cm-search': { padding: 'var(--s3, 8px) var(--s5, 16px)' },
  '.cm-panel.cm-search label': { fontSize: 'var(--text-1, 0.75rem)' },
  '.cm-textfield': {
    backgroundColor: 'var(--raised)',
    color: 'var(--ink)',
    border: '1px solid var(--edge)',
    borderRadius: 'var(--r1, 4px)',
    fontSize: 'inherit',
  },
  '.cm-button': {
    backgroundColor: 'var(--raised)',
    backgroundImage: 'none',
    color: 'var(--ink)',
    border: '1px solid var(--edge)',
    borderRadius: 'var(--r1, 4px)',
    fontSize: 'inherit',
  },
  '.cm-panel.cm-search [name=close]': { color: 'var(--ink2)', fontSize: '1rem', right: 'var(--s3, 8px)' },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--sel)', outline: '1px solid var(--accent)' },
})

const highlight = HighlightStyle.define([
  { tag: t.heading, fontWeight: '600' },
  { tag: t.strong, fontWeight: '600' },
  { tag: t.emphasis, fontStyle: 'italic' },
  { tag: t.strikethrough, textDecoration: 'line-through' },
  { tag: [t.processingInstruction, t.contentSeparator, t.labelName], color: 'var(--ink3)' },
  { tag: [t.link, t.url], color: 'var(--accent)' },
  { tag: t.monospace, color: 'var(--accent)' },
  { tag: [t.quote, t.comment], color: 'var(--ink2)' },
])

export const looks: Extension = [theme, syntaxHighlighting(highlight)]
