import { beforeEach, describe, expect, test } from 'vitest'
import {
  activeBuffer,
  clamp,
  closePalette,
  documentsOf,
  emptyState,
  openPalette,
  openSettings,
  setSidebarWidth,
  setSplit,
  setZoom,
  toggleFolder,
  type AppState,
} from './app'
import { conflicted, edited, keepMine, missing, savedBuffer, saveFailed, takeDisk, unsaved } from './buffers'
import { activate, closeOthers, closeTab, cycleTab, lastClosed, moveTab, openTab, pinTab, removed, renamed } from './tabs'

let s: AppState
const doc = (path: string, text = path, revision = 'r1') => ({ path, text, revision })
const order = () => s.workspace.tabs.map((t) => t.path)
const buffer = (path = 'a') => {
  const found = s.workspace.buffers[path]
  if (!found) throw new Error(`there is no buffer for ${path}`)
  return found
}

beforeEach(() => {
  s = emptyState()
  for (const path of ['a', 'b', 'c']) openTab(s, doc(path))
})

describe('tabs', () => {
  test('a folder folds and unfolds', () => {
    toggleFolder(s, 'x')
    expect(s.workspace.expanded).toEqual(['x'])
    toggleFolder(s, 'x')
    expect(s.workspace.expanded).toEqual([])
  })

  test('opening a document unfolds the folders above it', () => {
    openTab(s, doc('x/y/z.md'))
    openTab(s, doc('x/w.md'))
    expect(s.workspace.expanded).toEqual(['x', 'x/y'])
  })

  test('a new tab comes after the active one and is active', () => {
    activate(s, 'a')
    openTab(s, doc('d'))
    expect(order()).toEqual(['a', 'd', 'b', 'c'])
    expect(s.workspace.active).toBe('d')
    expect(activeBuffer(s)?.text).toBe('d')
  })

  test('opening again brings to the front and keeps the draft', () => {
    edited(s, 'a', 'draft')
    openTab(s, doc('a', 'from disk'))
    expect(order()).toEqual(['a', 'b', 'c'])
    expect(activeBuffer(s)?.text).toBe('draft')
  })

  test.each([
    ['b', 'b', 'c'],
    ['c', 'c', 'b'],
    ['a', 'c', 'c'],
  ])('closing %s while %s is active activates %s', (closed, active, next) => {
    activate(s, active)
    closeTab(s, closed)
    expect(s.workspace.active).toBe(next)
    expect(lastClosed(s)).toBe(closed)
    expect(s.workspace.buffers[closed]).toBeUndefined()
  })

  test('closing the last one leaves nothing active; what is not open cannot be closed', () => {
    for (const path of ['a', 'b', 'c']) closeTab(s, path)
    expect(s.workspace.active).toBeNull()
    expect(s.workspace.closed).toEqual(['a', 'b', 'c'])
    closeTab(s, 'x')
    expect(s.workspace.closed).toEqual(['a', 'b', 'c'])
  })

  test('an unsaved draft outlives its tab', () => {
    edited(s, 'a', 'draft')
    closeTab(s, 'a')
    openTab(s, doc('a', 'from disk'))
    expect(activeBuffer(s)?.text).toBe('draft')
  })

  test('closed tabs are remembered up to a number, each once', () => {
    for (let i = 0; i < 30; i++) {
      openTab(s, doc(`n${i % 25}`))
      closeTab(s, `n${i % 25}`)
    }
    expect(s.workspace.closed).toHaveLength(20)
    expect(new Set(s.workspace.closed).size).toBe(20)
    expect(lastClosed(s)).toBe('n4')
  })

  test('the others close, save what is pinned', () => {
    pinTab(s, 'a', true)
    closeOthers(s, 'c')
    expect(order()).toEqual(['a', 'c'])
    expect(s.workspace.active).toBe('c')
  })

  test.each([
    [1, 'a'],
    [-1, 'b'],
    [-4, 'b'],
  ])('going %i on from the last of three ends at %s', (step, at) => {
    cycleTab(s, step)
    expect(s.workspace.active).toBe(at)
  })

  test.each([
    ['a', 2, ['b', 'c', 'a']],
    ['c', -5, ['c', 'a', 'b']],
    ['b', 99, ['a', 'c', 'b']],
    ['x', 0, ['a', 'b', 'c']],
  ])('moving %s to %i', (path, to, result) => {
    moveTab(s, path, to)
    expect(order()).toEqual(result)
  })
})

describe('files that move and go', () => {
  beforeEach(() => {
    openTab(s, doc('folder/x'))
    openTab(s, doc('folderless'))
  })

  test('everything follows a folder to its new name, and nothing else does', () => {
    edited(s, 'folder/x', 'draft')
    renamed(s, 'folder', 'other')
    expect(order()).toEqual(['a', 'b', 'c', 'other/x', 'folderless'])
    expect(buffer('other/x')).toMatchObject({ path: 'other/x', text: 'draft', dirty: true })
    expect(s.workspace.buffers['folder/x']).toBeUndefined()
    expect(s.workspace.expanded).toEqual(['other'])
  })

  test('a deleted folder takes its tabs and drafts along', () => {
    edited(s, 'folder/x', 'draft')
    removed(s, 'folder')
    expect(order()).toEqual(['a', 'b', 'c', 'folderless'])
    expect(Object.keys(s.workspace.buffers)).toEqual(['a', 'b', 'c', 'folderless'])
    expect(s.workspace.closed).toEqual([])
    expect(s.workspace.expanded).toEqual([])
  })
})

describe('buffers', () => {
  test('typing makes unsaved, the same text does not', () => {
    edited(s, 'a', 'a')
    expect(unsaved(s)).toEqual([])
    edited(s, 'a', 'new')
    expect(unsaved(s)).toEqual(['a'])
  })

  test('a save counts for the text that was saved', () => {
    edited(s, 'a', 'one')
    edited(s, 'a', 'two')
    savedBuffer(s, 'a', 'one', { revision: 'r2', savedAt: 't' })
    expect(buffer()).toMatchObject({ revision: 'r2', savedAt: 't', dirty: true })
    savedBuffer(s, 'a', 'two', { revision: 'r3', savedAt: 't' })
    expect(unsaved(s)).toEqual([])
  })

  test('a failed save keeps the draft', () => {
    edited(s, 'a', 'draft')
    saveFailed(s, 'a', { code: 'disk-full', message: 'no room' })
    expect(buffer()).toMatchObject({ text: 'draft', dirty: true, error: { code: 'disk-full' } })
  })

  test('two versions wait for a choice: mine', () => {
    edited(s, 'a', 'mine')
    conflicted(s, 'a', { text: 'theirs', revision: 'r9' })
    expect(buffer()).toMatchObject({ text: 'mine', revision: 'r1', conflict: { text: 'theirs' } })
    keepMine(s, 'a')
    expect(buffer()).toMatchObject({ text: 'mine', revision: 'r9', conflict: null, dirty: true })
  })

  test('two versions wait for a choice: theirs', () => {
    edited(s, 'a', 'mine')
    conflicted(s, 'a', { text: 'theirs', revision: 'r9' })
    takeDisk(s, 'a')
    expect(buffer()).toMatchObject({ text: 'theirs', revision: 'r9', conflict: null, dirty: false, editor: null })
  })

  test('two versions that are the same are no conflict', () => {
    edited(s, 'a', 'same')
    conflicted(s, 'a', { text: 'same', revision: 'r9' })
    expect(buffer()).toMatchObject({ conflict: null, dirty: false, revision: 'r9' })
  })

  test('a text without its file is unsaved', () => {
    missing(s, 'a')
    expect(buffer()).toMatchObject({ missing: true, dirty: true })
  })

  test('what is not open is not touched', () => {
    const before = structuredClone(s)
    for (const fn of [keepMine, takeDisk, missing]) fn(s, 'x')
    edited(s, 'x', 'y')
    expect(s).toEqual(before)
  })
})

describe('layout', () => {
  test.each([
    [NaN, 1],
    [-1, 1],
    [2, 2],
    [9, 3],
  ])('clamp %d', (n, result) => expect(clamp(n, [1, 3])).toBe(result))

  test('sizes stay within their limits', () => {
    setSidebarWidth(s, 1)
    setSplit(s, 2)
    setZoom(s, 1.234)
    expect(s.layout).toMatchObject({ sidebarWidth: 180, split: 0.8 })
    expect(s.zoom).toBe(1.23)
  })

  test('settings close the palette, the palette starts over', () => {
    openPalette(s, '>')
    openSettings(s, 'updates')
    expect(s.palette.open).toBe(false)
    expect(s.settings).toMatchObject({ open: true, page: 'updates' })
    openPalette(s)
    closePalette(s)
    expect(s.palette).toEqual({ open: false, query: '', index: 0 })
  })

  test('documents in the order of the tree', () => {
    const entry = (path: string, children?: AppState['workspace']['entries']) => ({
      path,
      name: path,
      folder: !!children,
      children: children ?? [],
      modified: '',
      size: 0,
    })
    expect(documentsOf([entry('f', [entry('f/1'), entry('f/2')]), entry('z')]).map((e) => e.path)).toEqual(['f/1', 'f/2', 'z'])
  })
})
