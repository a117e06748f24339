// Scrolling to the pixel. A scroll position means something only together with the heights of all lines above it, and the editor guesses the
// heights of lines it has not drawn. So a position is remembered by the line it shows, and documents of usual size are measured as a whole:
// then the scroll bar is in the same place too. A hidden page is never painted, hence nothing here waits for a frame.
import { forceParsing } from '@codemirror/language'
import type { EditorView } from '@codemirror/view'
import type { ScrollMemory } from '../../model/app'

const measurable = { lines: 3000, characters: 300_000 }
const parseFor = 200 // milliseconds at most for the colours of what will be seen
const inside = 12 // pixels below the upper edge, so that a line of which a sliver shows does not count

// Makes the view look at its layout now instead of in the next frame.
export function settle(view: EditorView): void {
  view.requestMeasure()
  view.lineBlockAtHeight(0) // looking something up by its place runs the measurement that was asked for
}

// Measures every line by walking through the document, all within one frame: nobody sees it. Leaves the view anywhere.
function measureAll(view: EditorView): void {
  if (view.state.doc.lines > measurable.lines || view.state.doc.length > measurable.characters) return
  for (let top = 0, drawn = -1; ;) {
    view.scrollDOM.scrollTop = top
    settle(view)
    const { to } = view.viewport
    if (to <= drawn || to >= view.state.doc.length) return
    drawn = to
    top = view.lineBlockAt(to).top
  }
}

export function isLaidOut(view: EditorView): boolean {
  return view.scrollDOM.clientHeight > 0
}

export function scrollOf(view: EditorView): ScrollMemory {
  const { scrollTop, scrollLeft } = view.scrollDOM
  settle(view)
  const line = view.lineBlockAtHeight(scrollTop + inside - view.documentPadding.top)
  return { pos: line.from, offset: line.top - scrollTop, left: scrollLeft, top: scrollTop }
}

export function scrollTo(view: EditorView, wanted: ScrollMemory): void {
  if (!isLaidOut(view)) return
  settle(view)
  measureAll(view)
  const fits = wanted.pos <= view.state.doc.length
  const top = () => (fits ? view.lineBlockAt(wanted.pos).top - wanted.offset : wanted.top)
  // In a document too large to measure as a whole, lines near the target are measured once they are drawn, which moves it a little.
  for (let pass = 0; pass < 4; pass++) {
    view.scrollDOM.scrollTop = top()
    view.scrollDOM.scrollLeft = wanted.left
    settle(view)
    if (Math.abs(view.scrollDOM.scrollTop - top()) < 1) break
  }
  forceParsing(view, view.viewport.to, parseFor)
  settle(view)
}

// Holds a scroll position that was put into a page nobody sees, until it is seen: the layout may change a last time then. The first touch
// of the user ends it.
export function holdScroll(view: EditorView, wanted: ScrollMemory): () => void {
  const { ownerDocument: doc } = view.dom
  const win = doc.defaultView
  if (!win || doc.visibilityState === 'visible') return () => undefined
  const again = () => {
    if (Math.abs(scrollOf(view).offset - wanted.offset) >= 1 || scrollOf(view).pos !== wanted.pos) scrollTo(view, wanted)
  }
  const touches = ['wheel', 'keydown', 'pointerdown', 'touchstart'] as const
  const end = () => {
    doc.removeEventListener('visibilitychange', again)
    win.removeEventListener('resize', again)
    for (const touch of touches) view.dom.removeEventListener(touch, end, true)
  }
  doc.addEventListener('visibilitychange', again)
  win.addEventListener('resize', again)
  for (const touch of touches) view.dom.addEventListener(touch, end, true)
  return end
}
