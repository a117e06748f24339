// What an editor shows beside its text, read and put back while it lives: where it is scrolled to, and its search panel.
import { closeSearchPanel, getSearchQuery, openSearchPanel, SearchQuery, searchPanelOpen, setSearchQuery } from '@codemirror/search'
import { EditorSelection } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'
import type { ScrollMemory } from '../../model/app'
import { mirrored } from './edits'
import { scrollOf, scrollTo } from './scroll'

export interface Look {
  selection: unknown
  scroll: ScrollMemory
  search: Search | null // null: the panel is closed
}

interface Search {
  search: string
  replace: string
  caseSensitive: boolean
  regexp: boolean
  wholeWord: boolean
  focused: string // the name of the panel's field that has the focus, '' for none
}

export function lookOf(view: EditorView): Look {
  return { selection: view.state.selection.toJSON() as unknown, scroll: scrollOf(view), search: searchOf(view) }
}

function searchOf(view: EditorView): Search | null {
  if (!searchPanelOpen(view.state)) return null
  const { search, replace, caseSensitive, regexp, wholeWord } = getSearchQuery(view.state)
  const active = view.dom.ownerDocument.activeElement
  const focused = active?.closest('.cm-search') && view.dom.contains(active) ? (active.getAttribute('name') ?? '') : ''
  return { search, replace, caseSensitive, regexp, wholeWord, focused }
}

export function showLook(view: EditorView, { selection, scroll, search }: Look, focus: boolean): void {
  if (JSON.stringify(view.state.selection.toJSON()) !== JSON.stringify(selection))
    view.dispatch({ selection: EditorSelection.fromJSON(selection), annotations: mirrored.of(true) })
  if (search) {
    const before = view.dom.ownerDocument.activeElement
    if (!searchPanelOpen(view.state)) openSearchPanel(view)
    view.dispatch({ effects: setSearchQuery.of(new SearchQuery(search)) })
    const field = view.dom.querySelector<HTMLElement>(`.cm-search [name="${CSS.escape(search.focused)}"]`)
    if (focus && field) field.focus({ preventScroll: true })
    else if (before instanceof HTMLElement) before.focus({ preventScroll: true }) // opening takes it
  } else if (searchPanelOpen(view.state)) {
    closeSearchPanel(view)
  }
  const now = scrollOf(view)
  if (now.pos !== scroll.pos || now.offset !== scroll.offset || now.left !== scroll.left) scrollTo(view, scroll)
}
