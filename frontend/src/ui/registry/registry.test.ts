import { expect, test } from 'vitest'
import { emptyState, type AppState } from '../../model/app'
import { capture, decode, encode, plan, restore, verify, type Registry, type Snapshot } from '../../snapshot'
import listed from '../../../public/fields.json'
import doc from '../../../../docs/state.md?raw'
import golden100 from './golden/1.0.0.json'
import text100 from './golden/1.0.0.json?raw'
import golden110 from './golden/1.1.0.json'
import text110 from './golden/1.1.0.json?raw'
import { fields, windowFields } from './index'

// Every key has another value than at the start.
function full(): AppState {
  const history = {
    done: [{ changes: [3, [0, 'b', 'c']], startSelection: { ranges: [{ anchor: 3, head: 3 }], main: 0 }, selectionsAfter: [] }],
    undone: [],
  }
  return {
    workspace: {
      entries: [{ path: 'a.md', name: 'a.md', folder: false, children: [], modified: '', size: 3 }],
      expanded: ['Journal'],
      tabs: [
        { path: 'b.md', pinned: true },
        { path: 'a.md', pinned: false },
      ],
      active: 'a.md',
      closed: ['old.md'],
      buffers: {
        'b.md': {
          path: 'b.md',
          text: '# B\n',
          revision: 'r2',
          dirty: false,
          missing: false,
          error: null,
          savedAt: '2026-01-02T03:00:00Z',
          conflict: null,
          editor: null,
          previewScroll: 0,
        },
        'a.md': {
          path: 'a.md',
          text: 'a draft, 未保存\n',
          revision: 'r1',
          dirty: true,
          missing: false,
          error: { code: 'disk-full', message: 'no room' },
          savedAt: '',
          conflict: { text: 'theirs', revision: 'r9' },
          editor: {
            selections: {
              ranges: [
                { anchor: 5, head: 2 },
                { anchor: 7, head: 7 },
              ],
              main: 1,
            },
            scroll: { pos: 2, offset: -6.5, left: 4, top: 320.5 },
            folds: [{ from: 1, to: 6 }],
            history,
            search: { search: 'draft', replace: 'letter', caseSensitive: true, regexp: false, wholeWord: true },
          },
          previewScroll: 118,
        },
      },
    },
    layout: { sidebarOpen: false, sidebarWidth: 312, sidebarScroll: 44, sidebarFilter: 'journal', split: 0.37, preview: false },
    settings: { open: true, page: 'updates', fields: { 'updates.channel': 'beta' } },
    palette: { open: true, query: '>zoom', index: 3 },
    focus: 'settings.updates.channel',
    theme: 'dark',
    zoom: 1.25,
    window: { x: 40, y: 60, width: 1280, height: 800, maximised: true, minimised: true, fullscreen: true, visible: true },
  }
}

const options = { app: '1.0.0', at: '2026-01-02T03:04:05Z' }

test('everything that matters survives', () => {
  expect([...fields.keys()].sort()).toEqual(
    [
      'activeTab buffers closedTabs editorScroll focus folds fullscreen history maximised minimised palette preview previewScroll search selections',
      'settingsFields settingsPage sidebarFilter sidebarOpen sidebarScroll sidebarWidth split tabs theme treeExpanded windowGeometry zoom',
    ]
      .join(' ')
      .split(' '),
  )
  for (const key of windowFields) expect(fields.has(key)).toBe(true)
})

test('a full state comes back, but for what is found anew', () => {
  const wanted = plan(fields, decode(encode(capture(fields, full(), options))))
  const { state, missing } = restore(wanted, emptyState())
  const expected = full()
  expected.workspace.entries = []
  expected.window.visible = false
  expect(state).toEqual(expected)
  expect(verify(fields, state, wanted, { ms: 1, failed: missing })).toEqual({
    restored: fields.size,
    total: fields.size,
    missing: [],
    ms: 1,
  })
})

const released: [string, Snapshot, string, string][] = [
  ['1.0.0', golden100 as Snapshot, text100, '45f7e58ca6c9b08dc96ceb3bd7e48dc602f23fbc1e36e595c46b82644c404fbb'],
  ['1.1.0', golden110 as Snapshot, text110, '9bb743f82ce8399e46a5f9d0a3a3a6ce533e8ca57f1c25f93ab5ca4eda01623f'],
]

test.each(released)('the snapshot of %s is restored, and what is captured then is read by it', (_, golden) => {
  const wanted = plan(fields, decode(JSON.stringify(golden)))
  const { state, missing } = restore(wanted, emptyState())
  const all = Object.keys(golden.fields).length
  expect(verify(fields, state, wanted, { ms: 1, failed: missing })).toEqual({ restored: all, total: all, missing: [], ms: 1 })
  const now = decode(encode(capture(fields, state, options)))
  for (const [key, { v, d }] of Object.entries(golden.fields)) {
    const entry = now.fields[key]
    expect([key, entry?.v === v ? entry.d : entry?.o?.[v]]).toEqual([key, d])
  }
})

test.each(released)('the snapshot of %s is what that version wrote: it must never change', async (_, _golden, text, sum) => {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  expect([...hash].map((b) => b.toString(16).padStart(2, '0')).join('')).toBe(sum)
})

test('docs/state.md lists every field with its version', () => {
  const rows = [...doc.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, key, version]) => [key, Number(version)])
  expect(rows).toEqual([...fields].map(([key, field]) => [key, field.version]))
})

// A small generator with a seed, so that a failure can be repeated.
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
}

function anyState(next: (below: number) => number): AppState {
  const state = full()
  const word = () => String.fromCharCode(...Array.from({ length: next(12) }, () => next(0xd800)))
  const words = (most: number) => Array.from({ length: next(most) }, (_, i) => `${i}${word()}`)
  const coin = () => next(2) === 1
  const paths = words(6)
  const range = () => ({ anchor: next(1000), head: next(1000) })
  const memory = () => ({
    selections: { ranges: [range(), ...words(3).map(range)], main: 0 },
    scroll: { pos: next(1000), offset: -next(200) / 7, left: next(500), top: next(9000) / 3 },
    folds: words(4).map(() => ({ from: next(500), to: 500 + next(500) })),
    history: coin() ? { done: words(3), undone: words(3) } : { done: [], undone: [] },
    search: coin() ? { search: word(), replace: word(), caseSensitive: coin(), regexp: coin(), wholeWord: coin() } : null,
  })
  const buffer = (path: string) => ({
    path,
    text: word(),
    revision: word(),
    dirty: coin(),
    missing: coin(),
    error: coin() ? { code: word(), message: word() } : null,
    savedAt: word(),
    conflict: coin() ? { text: word(), revision: word() } : null,
    editor: coin() ? memory() : null,
    previewScroll: next(5000) / 7,
  })
  state.workspace = {
    entries: [],
    expanded: words(5),
    tabs: paths.map((path) => ({ path, pinned: coin() })),
    active: paths[next(paths.length + 1)] ?? null,
    closed: words(20),
    buffers: Object.fromEntries(paths.map((path) => [path, buffer(path)])),
  }
  state.layout = {
    sidebarOpen: coin(),
    sidebarWidth: 180 + next(300),
    sidebarScroll: next(9000) / 7,
    sidebarFilter: word(),
    split: 0.2 + next(600) / 1000,
    preview: coin(),
  }
  state.settings = { open: coin(), page: 'editor', fields: Object.fromEntries(words(5).map((w) => [w, word()])) }
  state.palette = { open: coin(), query: word(), index: next(50) }
  state.focus = word()
  state.zoom = 0.8 + next(120) / 100
  state.window = {
    ...state.window,
    x: next(4000) - 2000,
    y: next(4000) - 2000,
    width: 1 + next(4000),
    height: 1 + next(4000),
    maximised: coin(),
  }
  return state
}

test('whatever the state, what comes back is captured as the same', () => {
  const next = random(20260304)
  for (let i = 0; i < 200; i++) {
    const before = decode(encode(capture(fields, anyState(next), options)))
    const wanted = plan(fields, before)
    expect(wanted.missing).toEqual([])
    const { state, missing } = restore(wanted, emptyState())
    expect(missing).toEqual([])
    expect(decode(encode(capture(fields, state, options)))).toEqual(before)
  }
})

test('what 1.1.0 added outlives a stay in 1.0.0', () => {
  const old: Registry<AppState> = new Map([...fields].filter(([key]) => Object.hasOwn(golden100.fields, key)))
  const written = decode(text110)
  const there = plan(old, written)
  const back = capture(old, restore(there, emptyState()).state, { ...options, keep: there.unknown })
  expect(Object.keys(there.unknown).sort()).toEqual(['search', 'sidebarFilter'])
  expect(back.fields).toEqual(written.fields)
})

test.each([
  ['tabs', [{ path: 7, pinned: false }], 'tabs[0].path is not a text of at most 4096 characters'],
  ['buffers', [{}], 'buffers[0].path is not a text of at most 4096 characters'],
  ['theme', 'pink', 'theme is not one of system, light, dark'],
  ['split', 3, 'split is not a number from 0.2 to 0.8'],
  ['sidebarOpen', 1, 'sidebarOpen is not true or false'],
  ['settingsPage', { open: true }, 'settingsPage.page is not one of general, editor, updates, about'],
  ['settingsFields', { a: 1 }, 'settingsFields.a is not a text of at most 10000 characters'],
  [
    'selections',
    [{ path: 'a.md', value: { ranges: [{ anchor: -1, head: 0 }], main: 0 } }],
    'selections[0].value.ranges[0].anchor is not a number',
  ],
  ['history', [{ path: 'a.md', value: { done: {} } }], 'history[0].value.done is not a list'],
  ['windowGeometry', { x: 0, y: 0, width: 0, height: 5 }, 'windowGeometry.width is not a number from 1'],
  ['activeTab', 'elsewhere.md', 'elsewhere.md is not among the tabs'],
])('a bad %s is named, and everything else comes back', (key, d, why) => {
  const snapshot = capture(fields, full(), options)
  snapshot.fields[key] = { v: 1, d }
  const wanted = plan(fields, snapshot)
  const { state, missing } = restore(wanted, emptyState())
  const report = verify(fields, state, wanted, { ms: 0, failed: missing })
  expect(report.missing.find((m) => m.key === key)?.why).toContain(why)
  // Without its tabs or its text a document has no active tab, selections, scrolls, folds, search and history either.
  const along = key === 'tabs' ? 1 : key === 'buffers' ? 6 : 0
  expect(report.missing).toHaveLength(1 + along)
})

// Before a new version takes over, it is tried without a window: Go reads from this file which recorded fields the page can read.
test('the list of fields names every field and its version', () => {
  expect(listed).toEqual(Object.fromEntries([...fields].map(([key, field]) => [key, field.version])))
})

test('a document twice is no set of documents', () => {
  const snapshot = capture(fields, full(), options)
  const drafts = snapshot.fields['buffers']?.d as unknown[]
  snapshot.fields['buffers'] = { v: 1, d: [...drafts, drafts[0]] }
  expect(plan(fields, snapshot).missing).toEqual([{ key: 'buffers', why: 'buffers hold a document twice' }])
})

test('a scroll position counts as restored within a pixel, not beyond', () => {
  const wanted = plan(fields, capture(fields, full(), options))
  const moved = (by: number) => {
    const state = full()
    const scroll = state.workspace.buffers['a.md']?.editor?.scroll
    if (scroll) scroll.offset += by
    return verify(fields, state, wanted, { ms: 0 }).missing.map((m) => m.key)
  }
  expect(moved(0.6)).toEqual([])
  expect(moved(1.2)).toEqual(['editorScroll'])
})
