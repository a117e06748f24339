// The parts of the window, in the order in which F6 visits them. A part is any element with data-region; the element that takes the keys in it
// is the one that Tab would reach first.

const reachable = '[contenteditable="true"], input, button:not([tabindex="-1"]), [tabindex="0"]'

function regions(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (region) => region.getClientRects().length > 0 && !region.closest('[inert]'),
  )
}

/** Moves the keys to the next part, or with -1 to the one before. */
export function cycleRegion(step: 1 | -1): void {
  const all = regions()
  const here = all.findIndex((region) => region.contains(document.activeElement))
  const next = all[(here + step + (here < 0 && step < 0 ? 1 : 0) + all.length) % all.length]
  if (next) focusIn(next)
}

/** Moves the keys to a part by its name, if it is shown. */
export function focusRegion(name: string): void {
  const region = regions().find((candidate) => candidate.dataset['region'] === name)
  if (region) focusIn(region)
}

/** Moves the keys to an element by its data-focus-id. */
export function focusId(id: string): boolean {
  const element = document.querySelector<HTMLElement>(`[data-focus-id="${CSS.escape(id)}"]`)
  element?.focus()
  return element !== null
}

function focusIn(region: HTMLElement): void {
  const first = region.querySelector<HTMLElement>('[role=treeitem][tabindex="0"], [role=tab][tabindex="0"]')
  ;(first ?? region.querySelector<HTMLElement>(reachable))?.focus()
}
