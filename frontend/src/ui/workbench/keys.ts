// Key chords as they are written in menus ("Mod+Shift+T"), matched against events and shown to people.
// Mod is Command on a Mac and Control elsewhere.

export interface KeyLike {
  key: string
  code: string
  ctrlKey: boolean
  metaKey: boolean
  shiftKey: boolean
  altKey: boolean
}

export const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform)

interface Chord {
  key: string
  mod: boolean
  ctrl: boolean
  shift: boolean
  alt: boolean
}

function parse(chord: string): Chord {
  const parts = chord.split(/\+(?=.)/)
  const has = (name: string) => parts.slice(0, -1).includes(name)
  return { key: (parts.at(-1) ?? '').toLowerCase(), mod: has('Mod'), ctrl: has('Ctrl'), shift: has('Shift'), alt: has('Alt') }
}

/** Whether the event is the chord. Letters and digits also match by their place on the keyboard, so that other layouts keep the shortcuts. */
export function matches(event: KeyLike, chord: string, mac = isMac): boolean {
  const want = parse(chord)
  const control = want.ctrl || (want.mod && !mac)
  const meta = want.mod && mac
  if (event.ctrlKey !== control || event.metaKey !== meta || event.altKey !== want.alt) return false
  const key = event.key.toLowerCase()
  const symbol = want.key.length === 1 && !/[a-z0-9]/.test(want.key)
  if (!symbol && event.shiftKey !== want.shift) return false
  if (key === want.key) return true
  if (/^[\x20-\x7e]$/.test(key)) return false // a Latin layout says what it means
  return event.code === `Key${want.key.toUpperCase()}` || event.code === `Digit${want.key}`
}

const names: Record<string, string> = { arrowleft: '←', arrowright: '→', arrowup: '↑', arrowdown: '↓', enter: 'Enter', tab: 'Tab' }

/** The chord as one person reads it: "Ctrl ⇧ T", or "⇧⌘T" on a Mac. */
export function show(chord: string, mac = isMac): string {
  const want = parse(chord)
  const key = names[want.key] ?? (want.key.length === 1 ? want.key.toUpperCase() : want.key.charAt(0).toUpperCase() + want.key.slice(1))
  const marks = mac
    ? [want.ctrl && '⌃', want.alt && '⌥', want.shift && '⇧', want.mod && '⌘']
    : [(want.mod || want.ctrl) && 'Ctrl', want.alt && 'Alt', want.shift && '⇧']
  return [...marks.filter((mark) => mark !== false), key].join(mac ? '' : ' ')
}
