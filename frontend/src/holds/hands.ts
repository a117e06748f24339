// What the user has in hand: a word being composed, something being dragged, a field with the keys in it that is filled in and not sent. None of
// them can be passed on to another window as it is, so each is a hold. A field does not hold in a window that is hidden or has not got the keys:
// what is in it comes back with everything else.

import type { Hold, Release } from './holds'

export interface HandLabels {
  composing: () => string
  dragging: () => string
  unsent: () => string
}

const slip = 4 // CSS pixels that a pointer moves in a click

/** Holds while the user has something in hand, until the result is called. A field counts within an element that has the attribute data-unsent. */
export function watchHands(doc: Document, hold: Hold, labels: HandLabels): () => void {
  const composing = during(hold, labels.composing)
  const dragging = during(hold, labels.dragging)
  const unsent = during(hold, labels.unsent)

  const look = () => unsent(doc.visibilityState !== 'hidden' && doc.hasFocus() && doc.activeElement?.closest('[data-unsent]') != null)

  let pressed: { x: number; y: number } | null = null
  let carried = false // by the browser's own drag and drop, which has no pointer events
  const settle = () => {
    pressed = null
    if (!carried) dragging(false)
    look()
  }
  const drop = () => {
    carried = false
    dragging(false)
  }

  const listeners: { [K in keyof DocumentEventMap]?: (event: DocumentEventMap[K]) => void } = {
    compositionstart: () => composing(true),
    compositionend: () => composing(false),
    // The end of what was in hand is not told when its element goes: the next thing that the user does tells.
    keydown: (event) => {
      if (!event.isComposing) composing(false)
      if (carried && event.key !== 'Escape') drop()
    },
    keyup: look,
    pointerdown: (event) => {
      drop()
      pressed = { x: event.clientX, y: event.clientY }
    },
    pointermove: (event) => {
      if (pressed && event.buttons === 0) settle()
      if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > slip) dragging(true)
    },
    pointerup: settle,
    pointercancel: settle,
    dragstart: () => {
      carried = true
      dragging(true)
    },
    dragend: drop,
    drop,
    focusin: look,
    focusout: look,
    visibilitychange: look,
  }
  for (const [name, listener] of Object.entries(listeners)) doc.addEventListener(name, listener as EventListener, true)
  const view = doc.defaultView
  view?.addEventListener('focus', look)
  view?.addEventListener('blur', look)
  const filled = new MutationObserver(look)
  filled.observe(doc.documentElement, { attributes: true, attributeFilter: ['data-unsent'], subtree: true })
  look()

  return () => {
    for (const [name, listener] of Object.entries(listeners)) doc.removeEventListener(name, listener as EventListener, true)
    view?.removeEventListener('focus', look)
    view?.removeEventListener('blur', look)
    filled.disconnect()
    for (const end of [composing, dragging, unsent]) end(false)
  }
}

function during(hold: Hold, label: () => string): (on: boolean) => void {
  let release: Release | null = null
  return (on) => {
    if (on) release ??= hold(label())
    else {
      release?.()
      release = null
    }
  }
}
