// Whether somebody uses the window: each sign of life, though not more often than somebody asks to hear of it.

const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const

/** Calls used at a sign of life, and again at the first one after `apart` milliseconds, until the result is called. */
export function watchInput(target: EventTarget, used: () => void, apart = 5000, now: () => number = () => performance.now()): () => void {
  let last = -Infinity
  let at = { x: NaN, y: NaN }
  const heard = (event: Event) => {
    if (event.type === 'pointermove') {
      // Browsers also tell of a pointer that rests while the page moves beneath it.
      const { screenX: x, screenY: y } = event as PointerEvent
      const rests = Number.isNaN(at.x) || (x === at.x && y === at.y)
      at = { x, y }
      if (rests) return
    }
    if (now() - last < apart) return
    last = now()
    used()
  }
  for (const sign of signs) target.addEventListener(sign, heard, { capture: true, passive: true })
  return () => {
    for (const sign of signs) target.removeEventListener(sign, heard, { capture: true })
  }
}
