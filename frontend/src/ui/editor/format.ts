// Marks around what is selected: bold, italic, link. Asked for again, the marks go.
import { EditorSelection, type ChangeSpec } from '@codemirror/state'
import type { Command, KeyBinding } from '@codemirror/view'

function around(mark: string): Command {
  return (view) => {
    const { state } = view
    const changes = state.changeByRange((range) => {
      const size = mark.length
      const before = state.sliceDoc(range.from - size, range.from)
      const after = state.sliceDoc(range.to, range.to + size)
      const marked = before === mark && after === mark
      const edits: ChangeSpec[] = marked
        ? [
            { from: range.from - size, to: range.from },
            { from: range.to, to: range.to + size },
          ]
        : [
            { from: range.from, insert: mark },
            { from: range.to, insert: mark },
          ]
      const by = marked ? -size : size
      return { changes: edits, range: EditorSelection.range(range.anchor + by, range.head + by) }
    })
    view.dispatch(state.update(changes, { userEvent: 'input', scrollIntoView: true }))
    return true
  }
}

const link: Command = (view) => {
  const { state } = view
  const changes = state.changeByRange((range) => {
    const text = state.sliceDoc(range.from, range.to)
    const at = range.from + text.length + (text ? 3 : 1) // into the address, or into the text where there is none yet
    return { changes: { from: range.from, to: range.to, insert: `[${text}]()` }, range: EditorSelection.cursor(at) }
  })
  view.dispatch(state.update(changes, { userEvent: 'input', scrollIntoView: true }))
  return true
}

export const formatKeys: readonly KeyBinding[] = [
  { key: 'Mod-b', run: around('**'), preventDefault: true },
  { key: 'Mod-i', run: around('_'), preventDefault: true },
  { key: 'Mod-k', run: link, preventDefault: true },
]
