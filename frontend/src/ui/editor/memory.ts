// What an editor knows beside its text, read from it and put back. The text and the memory belong together: positions are offsets into it.
import { historyField, redo, undo } from '@codemirror/commands'
import { foldedRanges, foldEffect, foldState } from '@codemirror/language'
import { EditorSelection, EditorState, type Extension, type StateEffect } from '@codemirror/state'
import type { EditorMemory, Range } from '../../model/app'

export function selectionsOf(state: EditorState): EditorMemory['selections'] {
  const { ranges, mainIndex } = state.selection
  return { ranges: ranges.map(({ anchor, head }) => ({ anchor, head })), main: mainIndex }
}

export function foldsOf(state: EditorState): EditorMemory['folds'] {
  const folds: EditorMemory['folds'] = []
  foldedRanges(state).between(0, state.doc.length, (from, to) => void folds.push({ from, to }))
  return folds
}

// The undo history as plain JSON, null where there is none.
export function historyOf(state: EditorState): unknown {
  const json = state.toJSON({ history: historyField }) as { history?: unknown }
  return json.history === undefined ? null : (JSON.parse(JSON.stringify(json.history)) as unknown)
}

// A state with the text and as much of the memory as fits it. What does not fit is left out; the restore's verification names it.
export function stateFrom(text: string, memory: EditorMemory, extensions: Extension): EditorState {
  const withHistory = (history: unknown) =>
    EditorState.fromJSON(
      { doc: text, selection: selectionFor(text.length, memory).toJSON() as unknown, history },
      { extensions },
      { history: historyField },
    )
  let state: EditorState
  try {
    if (memory.history === null) throw new Error('there is no history')
    state = withHistory(memory.history)
    for (const step of [undo, redo]) step({ state, dispatch: (tr) => tr.newDoc }) // throws when it belongs to another text
  } catch {
    state = EditorState.create({ doc: text, selection: selectionFor(text.length, memory), extensions })
  }
  const folds: StateEffect<unknown>[] = memory.folds
    .filter(({ from, to }) => from >= 0 && from < to && to <= state.doc.length)
    .map((range) => foldEffect.of(range))
  return folds.length > 0 && state.field(foldState, false) !== undefined ? state.update({ effects: folds }).state : state
}

function selectionFor(length: number, { selections: { ranges, main } }: EditorMemory): EditorSelection {
  const within = (n: number) => Math.min(length, Math.max(0, n))
  const all = ranges.map((r: Range) => EditorSelection.range(within(r.anchor), within(r.head)))
  return all.length > 0 ? EditorSelection.create(all, Math.min(all.length - 1, Math.max(0, main))) : EditorSelection.single(0)
}
