// @vitest-environment happy-dom
import { history, redo, undo } from '@codemirror/commands'
import { codeFolding, foldEffect, unfoldEffect } from '@codemirror/language'
import { EditorSelection, EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { expect, test } from 'vitest'
import { carryOut, editOf, type Edit } from './edits'
import { foldsOf, historyOf, selectionsOf } from './memory'

const extensions = [history(), codeFolding(), EditorState.allowMultipleSelections.of(true)]
const view = (doc: string) => new EditorView({ state: EditorState.create({ doc, extensions }), parent: document.body })

// A view whose edits are noted, as they would travel.
function noted(doc: string) {
  const edits: Edit[] = []
  const watch = EditorView.updateListener.of((update) => {
    for (const tr of update.transactions) {
      const edit = editOf(tr)
      if (edit) edits.push(JSON.parse(JSON.stringify(edit)) as Edit)
    }
  })
  return { edits, view: new EditorView({ state: EditorState.create({ doc, extensions: [extensions, watch] }), parent: document.body }) }
}

const all = (v: EditorView) => ({
  text: v.state.doc.toString(),
  selections: selectionsOf(v.state),
  folds: foldsOf(v.state),
  history: historyOf(v.state),
})

test('edits that are carried out leave the same text, selections, folds and history', () => {
  const here = noted('# A\n\none\n\n# B\n\ntwo\n')
  const there = view('# A\n\none\n\n# B\n\ntwo\n')
  const v = here.view
  v.dispatch({ changes: { from: 5, insert: 'f' }, selection: { anchor: 6 }, userEvent: 'input.type' })
  v.dispatch({ changes: { from: 6, insert: 'irst ' }, selection: { anchor: 11 }, userEvent: 'input.type' })
  v.dispatch({ changes: { from: 0, to: 2 }, userEvent: 'delete' })
  undo(v)
  v.dispatch({ selection: EditorSelection.create([EditorSelection.range(6, 3), EditorSelection.cursor(12)], 1) })
  v.dispatch({ effects: foldEffect.of({ from: 3, to: 14 }) })
  v.dispatch({ effects: unfoldEffect.of({ from: 3, to: 14 }) })
  v.dispatch({ effects: foldEffect.of({ from: 3, to: 13 }) })
  undo(v)
  redo(v)
  undo(v)
  for (const edit of here.edits) carryOut(there, edit)
  expect(all(there)).toEqual(all(v))
  redo(there)
  redo(v)
  expect(all(there)).toEqual(all(v))
})

test('what changed nothing is not told', () => {
  const here = noted('text')
  here.view.dispatch({})
  here.view.dispatch({ scrollIntoView: true })
  expect(here.edits).toEqual([])
  const edit: Edit = { length: 5, time: 1, changes: [4, [0, '!']] }
  carryOut(here.view, edit)
  expect(here.view.state.doc.toString()).toBe('text!')
})

test.each<[string, Edit]>([
  ['is of a longer text', { length: 9, time: 1, changes: [9, [0, '!']] }],
  ['leaves another length', { length: 9, time: 1, changes: [4, [0, '!']] }],
  ['is no edit', { length: 4, time: 1, changes: { x: 1 } }],
  ['selects what is not there', { length: 4, time: 1, selection: { ranges: [{ anchor: 90, head: 90 }], main: 0 } }],
  ['undoes what was not done', { length: 3, time: 1, step: 'undo' }],
])('an edit that %s is refused', (_, edit) => {
  expect(() => {
    carryOut(view('text'), edit)
  }).toThrow()
})
