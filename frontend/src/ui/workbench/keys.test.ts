import { describe, expect, test } from 'vitest'
import { matches, show, type KeyLike } from './keys'

function press(key: string, held = '', code = ''): KeyLike {
  const has = (name: string) => held.split('+').includes(name)
  return { key, code, ctrlKey: has('ctrl'), metaKey: has('meta'), shiftKey: has('shift'), altKey: has('alt') }
}

describe('matches', () => {
  test.each([
    ['Mod+P', press('p', 'ctrl'), false, true],
    ['Mod+P', press('p', 'meta'), true, true],
    ['Mod+P', press('p', 'meta'), false, false],
    ['Mod+P', press('P', 'ctrl+shift'), false, false],
    ['Mod+Shift+T', press('T', 'ctrl+shift'), false, true],
    ['Ctrl+Tab', press('Tab', 'ctrl'), true, true],
    ['Ctrl+Shift+Tab', press('Tab', 'ctrl+shift'), false, true],
    ['Ctrl+Tab', press('Tab', 'ctrl+shift'), false, false],
    ['Mod+=', press('+', 'ctrl+shift'), false, false],
    ['Mod++', press('+', 'ctrl+shift'), false, true],
    ['Mod+=', press('=', 'ctrl'), false, true],
    ['Mod+,', press(',', 'ctrl'), false, true],
    ['F6', press('F6'), false, true],
    ['F6', press('F6', 'shift'), false, false],
    ['Mod+P', press('з', 'ctrl', 'KeyP'), false, true],
    ['Mod+P', press('r', 'ctrl', 'KeyP'), false, false],
  ])('%s', (chord, event, mac, want) => {
    expect(matches(event, chord, mac)).toBe(want)
  })
})

test.each([
  ['Mod+Shift+T', false, 'Ctrl ⇧ T'],
  ['Mod+Shift+T', true, '⇧⌘T'],
  ['F6', false, 'F6'],
  ['Mod+,', false, 'Ctrl ,'],
])('%s is shown', (chord, mac, want) => {
  expect(show(chord, mac)).toBe(want)
})
