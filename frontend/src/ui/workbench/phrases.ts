import type { MessageKey } from '../../i18n'

// The editor's own English, and where its translation stands.
const keys: Record<string, MessageKey> = {
  Find: 'editor.find',
  Replace: 'editor.replaceWith',
  next: 'editor.next',
  previous: 'editor.previous',
  all: 'editor.all',
  'match case': 'editor.matchCase',
  regexp: 'editor.regexp',
  'by word': 'editor.byWord',
  replace: 'editor.replace',
  'replace all': 'editor.replaceAll',
  close: 'workbench.closeTab',
  'current match': 'editor.currentMatch',
  'replaced $ matches': 'editor.replaced',
  'replaced match on line $': 'editor.replacedOn',
  'on line': 'editor.onLine',
  'Go to line': 'editor.goToLine',
  go: 'editor.go',
  'Fold line': 'editor.fold',
  'Unfold line': 'editor.unfold',
  'Folded lines': 'editor.folded',
  'Unfolded lines': 'editor.unfolded',
  to: 'editor.to',
  'folded code': 'editor.foldedText',
  unfold: 'editor.unfold',
  'Selection deleted': 'editor.selectionDeleted',
}

/** The phrases of the editor in the language of the window. */
export function phrases(t: (key: MessageKey) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).map(([english, key]) => [english, t(key)]))
}
