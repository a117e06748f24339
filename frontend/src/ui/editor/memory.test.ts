import { history, redo, undo } from '@codemirror/commands'
import { codeFolding, foldEffect } from '@codemirror/language'
import { EditorSelection, EditorState, type Transaction } from '@codemirror/state'
import { expect, test } from 'vitest'
import { emptyMemory, type EditorMemory } from '../../model/app'
import { difference } from './editor'
import { foldsOf, historyOf, selectionsOf, stateFrom } from './memory'

const extensions = [history(), codeFolding(), EditorState.allowMultipleSelections.of(true)]

const memoryOf = (state: EditorState): EditorMemory => ({
  ...emptyMemory,
  selections: selectionsOf(state),
  folds: foldsOf(state),
  history: historyOf(state),
})

function run(state: EditorState, command: (target: { state: EditorState; dispatch: (tr: Transaction) => void }) => boolean): EditorState {
  let next = state
  command({ state, dispatch: (tr) => (next = tr.state) })
  return next
}

// Typed twice, undone once, something folded, two selections.
function worked(): EditorState {
  let state = EditorState.create({ doc: '# A\n\none\n\n# B\n\ntwo\n', extensions })
  state = state.update({ changes: { from: 5, insert: 'first ' }, userEvent: 'input' }).state
  state = state.update({ changes: { from: 0, to: 2 }, userEvent: 'delete' }).state
  state = run(state, undo)
  state = state.update({ selection: EditorSelection.create([EditorSelection.range(6, 3), EditorSelection.cursor(12)], 1) }).state
  return state.update({ effects: foldEffect.of({ from: 3, to: 14 }) }).state
}

test('an editor comes back with selections, folds and both ways of its history', () => {
  const before = worked()
  const memory = JSON.parse(JSON.stringify(memoryOf(before))) as EditorMemory
  const after = stateFrom(before.doc.toString(), memory, extensions)
  expect(memoryOf(after)).toEqual(memory)
  expect(memory.selections).toEqual({
    ranges: [
      { anchor: 6, head: 3 },
      { anchor: 12, head: 12 },
    ],
    main: 1,
  })
  expect(memory.folds).toEqual([{ from: 3, to: 14 }])
  expect(run(after, redo).doc.toString()).toBe('A\n\nfirst one\n\n# B\n\ntwo\n')
  expect(run(after, undo).doc.toString()).toBe('# A\n\none\n\n# B\n\ntwo\n')
})

test.each<[string, Partial<EditorMemory>]>([
  ['a history that is none', { history: { done: [{ changes: 'x' }], undone: 7 } }],
  ['a history of a text that was longer', { history: { done: [{ changes: [900], selectionsAfter: [] }], undone: [] } }],
  ['selections outside the text', { selections: { ranges: [{ anchor: -5, head: 900 }], main: 3 } }],
  ['no selection', { selections: { ranges: [], main: 0 } }],
  ['folds outside the text', { folds: [{ from: 1, to: 900 }, { from: 3, to: 3 }] }], // prettier-ignore
])('%s does not keep the text from being edited', (_, part) => {
  const state = stateFrom('text', { ...emptyMemory, ...part }, extensions)
  const next = state.update({ changes: { from: 4, insert: '!' }, userEvent: 'input' }).state
  expect(next.doc.toString()).toBe('text!')
  expect(run(run(next, undo), undo).doc.toString()).toBe('text')
  expect(foldsOf(state)).toEqual([])
})

test.each([
  ['', 'abc'],
  ['abc', ''],
  ['abc', 'abc'],
  ['aaa', 'aa'],
  ['one two three', 'one 2 three'],
  ['xabcx', 'xabcabcx'],
])('the difference of %j and %j is one stretch', (from, to) => {
  const d = difference(from, to)
  expect(from.slice(0, d.from) + d.insert + from.slice(d.to)).toBe(to)
})
