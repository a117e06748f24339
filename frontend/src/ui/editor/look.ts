// What an editor shows beside its text, read and put back while it lives: where it is scrolled to, and its search panel.
import { closeSearchPanel, getSearchQuery, openSearchPanel, SearchQuery, searchPanelOpen, setSearchQuery } from '@codemirror/search'
import { EditorSelection, type EditorState } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'
import type { ScrollMemory, SearchMemory } from '../../model/app'
import { mirrored } from './edits'
import { scrollOf, scrollTo } from './scroll'

export interface Look {
  selection: unknown
  scroll: ScrollMemory
  search: Search | null // null: the panel is closed
}

interface Search extends SearchMemory {
  focused: string // the name of the panel's field that has the focus, '' for none
}

export function lookOf(view: EditorView): Look {
  return { selection: view.state.selection.toJSON() as unknown, scroll: scrollOf(view), search: searchOf(view) }
}

function searchOf(view: EditorView): Search | null {
  const memory = searchMemoryOf(view.state)
  if (!memory) return null
  const active = view.dom.ownerDocument.activeElement
  const focused = active?.closest('.cm-search') && view.dom.contains(active) ? (active.getAttribute('name') ?? '') : ''
  return { ...memory, focused }
}

export function searchMemoryOf(state: EditorState): SearchMemory | null {
  if (!searchPanelOpen(state)) return null
  const { search, replace, caseSensitive, regexp, wholeWord } = getSearchQuery(state)
  return { search, replace, caseSensitive, regexp, wholeWord }
}

// Opens the panel with the query, or closes it. The focus stays where it is.
export function showSearch(view: EditorView, search: SearchMemory | null): void {
  if (!search) {
    if (searchPanelOpen(view.state)) closeSearchPanel(view)
    return
  }
  const { activeElement: before, body } = view.dom.ownerDocument
  if (!searchPanelOpen(view.state)) openSearchPanel(view) // takes the focus
  view.dispatch({ effects: setSearchQuery.of(new SearchQuery(search)) })
  const { activeElement: after } = view.dom.ownerDocument
  if (after === before || !(after instanceof HTMLElement)) return
  if (before instanceof HTMLElement && before !== body) before.focus({ preventScroll: true })
  else after.blur()
}

export function showLook(view: EditorView, { selection, scroll, search }: Look, focus: boolean): void {
  if (JSON.stringify(view.state.selection.toJSON()) !== JSON.stringify(selection))
    view.dispatch({ selection: EditorSelection.fromJSON(selection), annotations: mirrored.of(true) })
  showSearch(view, search)
  if (search && focus)
    view.dom.querySelector<HTMLElement>(`.cm-search [name="${CSS.escape(search.focused)}"]`)?.focus({ preventScroll: true })
  const now = scrollOf(view)
  if (now.pos !== scroll.pos || now.offset !== scroll.offset || now.left !== scroll.left) scrollTo(view, scroll)
}
