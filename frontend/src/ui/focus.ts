// The focused element by its stable id: every element that can have the focus carries data-focus-id.
export function focusedId(doc: Document): string {
  return doc.activeElement?.closest<HTMLElement>('[data-focus-id]')?.dataset['focusId'] ?? ''
}

// Gives the focus back. Works in a window that nobody sees: the element has it when the window gets the keys.
export function refocus(doc: Document, id: string): void {
  if (id === '' || focusedId(doc) === id) return
  const all = [...doc.querySelectorAll<HTMLElement>('[data-focus-id]')]
  all.find((element) => element.dataset['focusId'] === id)?.focus({ preventScroll: true })
}
