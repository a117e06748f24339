import { expect, test } from 'vitest'
import { emptyState, type AppState } from '../../model/app'
import { capture, decode, encode, plan, restore, verify } from '../../snapshot'
import listed from '../../../public/fields.json'
import golden from './golden/1.0.0.json'
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
          },
          previewScroll: 118,
        },
      },
    },
    layout: { sidebarOpen: false, sidebarWidth: 312, sidebarScroll: 44, split: 0.37, preview: false },
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
      'activeTab buffers closedTabs editorScroll focus folds fullscreen history maximised minimised palette preview previewScroll selections',
      'settingsFields settingsPage sidebarOpen sidebarScroll sidebarWidth split tabs theme treeExpanded windowGeometry zoom',
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

test('the snapshot of 1.0.0 is read, and still written like that', () => {
  const wanted = plan(fields, decode(JSON.stringify(golden)))
  expect(wanted.missing).toEqual([])
  expect(restore(wanted, emptyState()).state.workspace.buffers['a.md']).toEqual(full().workspace.buffers['a.md'])
  expect(JSON.parse(encode(capture(fields, full(), options)))).toEqual(golden)
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
  // Without its tabs or its text a document has no active tab, selections, scrolls, folds and history either.
  const along = key === 'tabs' ? 1 : key === 'buffers' ? 5 : 0
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
