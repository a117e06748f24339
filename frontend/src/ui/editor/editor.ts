// The text editor: CodeMirror, with a memory that goes into a snapshot and comes back to the pixel.
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { markdown, markdownLanguage } from '@codemirror/lang-markdown'
import { codeFolding, foldGutter, foldKeymap } from '@codemirror/language'
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap, searchPanelOpen } from '@codemirror/search'
import { Annotation, Compartment, EditorState, type Extension, type Transaction } from '@codemirror/state'
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { emptyMemory, type EditorMemory, type ScrollMemory } from '../../model/app'
import { carryOut, editOf, mirrored, type Edit } from './edits'
import { formatKeys } from './format'
import { lookOf, searchMemoryOf, showLook, showSearch, type Look } from './look'
import { foldsOf, historyOf, selectionsOf, stateFrom } from './memory'
import { holdScroll, isLaidOut, scrollOf, scrollTo, settle } from './scroll'
import { looks } from './theme'

export interface EditorOptions {
  text: string
  memory: EditorMemory | null
  preferences: { lineNumbers: boolean; wrap: boolean }
  label: string // for assistive technology
  phrases?: Record<string, string> // CodeMirror's own English, translated
  onChange(text: string): void
  onCursor?(at: { line: number; column: number; selected: number }): void
  onScroll?(): void
}

// How an editor is kept the same as one in another process.
export interface EditorMirror {
  listen(heard: (edit: Edit) => void): () => void // of what is done here, until the returned function is called
  apply(edit: Edit): string // what was done there; returns the text
  look(): Look
  show(look: Look, focus: boolean): void // focus: with the focus in the search panel, if it was there
}

export interface Editor {
  readonly view: EditorView
  readonly mirror: EditorMirror
  memory(): EditorMemory
  restore(memory: EditorMemory): void
  setText(text: string): void // the file's new text; can be undone
  configure(preferences: { lineNumbers: boolean; wrap: boolean }): void
  focus(): void
  goTo(line: number): void // from 1 on
  openSearch(): void
  destroy(): void
}

const fromOutside = Annotation.define<true>() // changes that the app already knows of

export function createEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const numbers = new Compartment()
  const wrap = new Compartment()
  let preferences = options.preferences
  let lastScroll: ScrollMemory = emptyMemory.scroll
  let measured = { width: 0, lineHeight: 0 }
  let remeasure: ReturnType<typeof setTimeout> | undefined
  let letGo: () => void = () => undefined
  let carrying = false // an edit of the other process is under way
  const listeners = new Set<(edit: Edit) => void>()

  const extensions = (): Extension => [
    numbers.of(numbersFor(preferences)),
    wrap.of(preferences.wrap ? EditorView.lineWrapping : []),
    history(),
    drawSelection({ cursorBlinkRate: 0 }), // a steady caret: what was seen before a restart is seen after it
    dropCursor(),
    EditorState.allowMultipleSelections.of(true),
    highlightActiveLine(),
    codeFolding(),
    foldGutter({ openText: '▾', closedText: '▸' }),
    markdown({ base: markdownLanguage }),
    search({ top: true }),
    highlightSelectionMatches(),
    keymap.of([...formatKeys, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap, indentWithTab]),
    EditorState.phrases.of(options.phrases ?? {}),
    EditorView.contentAttributes.of({ 'aria-label': options.label, 'data-focus-id': 'editor', spellcheck: 'false' }),
    EditorView.domEventHandlers({
      scroll: () => {
        options.onScroll?.()
      },
    }),
    EditorView.updateListener.of((update) => {
      const known = update.transactions.some((tr) => tr.annotation(fromOutside) ?? tr.annotation(mirrored)) || carrying
      if (update.docChanged && !known) options.onChange(update.state.doc.toString())
      if (update.docChanged || update.selectionSet) tellCursor(update.state)
      if (update.geometryChanged) watchGeometry()
      if (searchPanelOpen(update.state) && !searchPanelOpen(update.startState)) nameParts(update.view)
      if (listeners.size > 0 && !carrying) tellEdits(update.transactions)
    }),
    looks,
  ]

  const view = new EditorView({ state: stateFrom(options.text, options.memory ?? emptyMemory, extensions()), parent })

  function tellEdits(transactions: readonly Transaction[]): void {
    for (const tr of transactions) {
      const edit = tr.annotation(mirrored) ? null : editOf(tr)
      if (edit) for (const heard of listeners) heard(edit)
    }
  }

  const mirror: EditorMirror = {
    listen: (heard) => {
      listeners.add(heard)
      return () => listeners.delete(heard)
    },
    apply: (edit) => {
      carrying = true
      try {
        carryOut(view, edit)
      } finally {
        carrying = false
      }
      return view.state.doc.toString()
    },
    look: () => lookOf(view),
    show: (look, focus) => {
      letGo()
      lastScroll = look.scroll
      showLook(view, look, focus)
    },
  }

  function tellCursor(state: EditorState): void {
    const { main, ranges } = state.selection
    const line = state.doc.lineAt(main.head)
    const selected = ranges.reduce((sum, r) => sum + r.to - r.from, 0)
    options.onCursor?.({ line: line.number, column: main.head - line.from + 1, selected })
  }

  // Another width or another size of letters makes all heights guesses again.
  function watchGeometry(): void {
    const now = { width: view.contentDOM.clientWidth, lineHeight: view.defaultLineHeight }
    if (now.width === measured.width && now.lineHeight === measured.lineHeight) return
    measured = now
    clearTimeout(remeasure)
    remeasure = setTimeout(() => scrollTo(view, scrollOf(view)), 100)
  }

  function scroll(wanted: ScrollMemory): void {
    letGo()
    lastScroll = wanted
    scrollTo(view, wanted)
    letGo = holdScroll(view, wanted)
  }

  showSearch(view, options.memory?.search ?? null)
  scroll(options.memory?.scroll ?? emptyMemory.scroll)
  tellCursor(view.state)

  return {
    view,
    mirror,
    memory: () => {
      if (isLaidOut(view)) lastScroll = scrollOf(view)
      return {
        selections: selectionsOf(view.state),
        scroll: lastScroll,
        folds: foldsOf(view.state),
        history: historyOf(view.state),
        search: searchMemoryOf(view.state),
      }
    },
    restore: (memory) => {
      view.setState(stateFrom(view.state.doc.toString(), memory, extensions()))
      showSearch(view, memory.search)
      scroll(memory.scroll)
      tellCursor(view.state)
    },
    setText: (text) => {
      view.dispatch({ changes: difference(view.state.doc.toString(), text), annotations: fromOutside.of(true) })
    },
    configure: (next) => {
      if (next.lineNumbers === preferences.lineNumbers && next.wrap === preferences.wrap) return
      preferences = { lineNumbers: next.lineNumbers, wrap: next.wrap }
      view.dispatch({
        effects: [numbers.reconfigure(numbersFor(preferences)), wrap.reconfigure(preferences.wrap ? EditorView.lineWrapping : [])],
      })
      settle(view)
    },
    focus: () => view.focus(),
    goTo: (line) => {
      const { from } = view.state.doc.line(Math.min(view.state.doc.lines, Math.max(1, Math.round(line))))
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'start', yMargin: 24 }) })
      view.focus()
    },
    openSearch: () => void openSearchPanel(view),
    destroy: () => {
      letGo()
      clearTimeout(remeasure)
      view.destroy()
    },
  }
}

// What can have the focus in the search panel is found again by its name.
function nameParts(view: EditorView): void {
  for (const part of view.dom.querySelectorAll<HTMLElement>('.cm-search [name]'))
    part.dataset['focusId'] = `search.${part.getAttribute('name') ?? ''}`
}

function numbersFor({ lineNumbers: shown }: { lineNumbers: boolean }): Extension {
  return shown ? [lineNumbers(), highlightActiveLineGutter()] : []
}

// The one stretch in which two texts differ, so that positions outside it stay where they are.
export function difference(from: string, to: string): { from: number; to: number; insert: string } {
  const most = Math.min(from.length, to.length)
  let start = 0
  while (start < most && from[start] === to[start]) start++
  let end = 0
  while (end < most - start && from[from.length - 1 - end] === to[to.length - 1 - end]) end++
  return { from: start, to: from.length - end, insert: to.slice(start, to.length - end) }
}
