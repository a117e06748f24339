// The last moment: what a page shows beside its state when the keyboard leaves it, and how another page comes to show the same. Only what
// makes a difference to the eye or to the next key is in it.
import { tick } from 'svelte'
import type { Failure } from '../../model/app'
import type { Look } from '../editor'
import { focusedId, refocus } from '../focus'
import type { Session } from '../session'
import type { App } from '../state.svelte'

export interface Last {
  n: number // of the last item before it
  refused: string // why it cannot be now; '' when it can
  looks: [path: string, look: Look][]
  focus: string
  inputs: Input[]
  scrolls: [top: number, left: number][]
  problem: Failure | null
  deleted: App['deleted']
}

interface Input {
  id: string
  value: string
  start: number | null
  end: number | null
  direction: 'forward' | 'backward' | 'none' | null
}

const scrollers = '[data-region=sidebar] .list, [data-focus-id=preview], [data-focus-id="settings.main"]'
const typed = 'input[type=text][data-focus-id], input[type=search][data-focus-id], textarea[data-focus-id]'
const all = <T extends Element>(doc: Document, selector: string) => [...doc.querySelectorAll<T>(selector)]

// `n` is the number of the last item before it.
export function lastOf(doc: Document, app: App, session: Session, n: number, composing: boolean): Last {
  return {
    n,
    refused: composing ? 'a word is being composed' : doc.querySelector('[role=menu]') ? 'a menu is open' : '',
    looks: session.looks(),
    focus: focusedId(doc),
    inputs: all<HTMLInputElement | HTMLTextAreaElement>(doc, typed).map((e) => ({
      id: e.dataset['focusId'] ?? '',
      value: e.value,
      start: e.selectionStart,
      end: e.selectionEnd,
      direction: e.selectionDirection,
    })),
    scrolls: all(doc, scrollers).map((e) => [e.scrollTop, e.scrollLeft]),
    problem: app.problem && { code: app.problem.code, message: app.problem.message },
    deleted: app.deleted && { id: app.deleted.id, path: app.deleted.path },
  }
}

export async function showLast(doc: Document, app: App, session: Session, last: Last): Promise<void> {
  const { looks, focus, inputs, scrolls, problem, deleted } = last
  app.problem = problem
  app.deleted = deleted
  await tick()
  refocus(doc, focus)
  for (const [path, look] of looks) session.mirrorOf(path)?.show(look, true)
  const here = all<HTMLInputElement | HTMLTextAreaElement>(doc, typed)
  for (const { id, value, start, end, direction } of inputs) {
    const input = here.find((e) => e.dataset['focusId'] === id)
    if (!input) continue
    if (input.value !== value) {
      input.value = value
      input.dispatchEvent(new Event('input', { bubbles: true }))
    }
    if (id === focus && start !== null) input.setSelectionRange(start, end, direction ?? undefined)
  }
  const places = all(doc, scrollers)
  if (places.length === scrolls.length) scrolls.forEach(([top, left], i) => places[i]?.scrollTo({ top, left, behavior: 'instant' }))
}

// Resolves when what the page holds now has been painted. Only for a page that is on the screen: another one has no frames.
export async function painted(): Promise<void> {
  for (let frame = 0; frame < 2; frame++) await new Promise((resolve) => requestAnimationFrame(resolve))
}
