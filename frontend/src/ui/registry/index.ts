// Every piece of the window's state, and whether it survives. A new key that does not declare itself here is a type error.
import { limits, type AppState, type Buffer, type EditorMemory, type Frame, type Tab } from '../../model/app'
import { field, nested, registry, transient, type Field } from '../../snapshot'
import { buffers, editorScroll, folds, history, path, previewScroll, search, selections } from './buffers'
import { flag, list, number, oneOf, orNull, record, shape, text, whole, type Check } from './validate'

const many = 10_000

// A field that is one value within one part of the state.
function part<P extends keyof AppState, K extends keyof AppState[P], V extends AppState[P][K] = AppState[P][K]>(
  key: string,
  room: P,
  name: K,
  check: Check<V>,
): Field<AppState> {
  return field<AppState, V>({
    key,
    version: 1,
    capture: (s) => s[room][name] as V,
    apply: (s, value) => ({ ...s, [room]: { ...(s[room] as object), [name]: value } }),
    validate: (raw) => check(raw, key),
  })
}

function top<K extends 'focus' | 'theme' | 'zoom' | 'palette'>(key: K, check: Check<AppState[K]>): Field<AppState> {
  return field<AppState, AppState[K]>({
    key,
    version: 1,
    capture: (s) => s[key],
    apply: (s, value) => ({ ...s, [key]: value }),
    validate: (raw) => check(raw, key),
  })
}

const activeTab = field<AppState, string | null>({
  key: 'activeTab',
  version: 1,
  capture: (s) => s.workspace.active,
  apply: (s, active) => {
    if (active !== null && !s.workspace.tabs.some((t) => t.path === active)) throw new Error(`${active} is not among the tabs`)
    return { ...s, workspace: { ...s.workspace, active } }
  },
  validate: (raw) => orNull(path)(raw, 'activeTab'),
})

type Page = Pick<AppState['settings'], 'open' | 'page'>
const settingsPage = field<AppState, Page>({
  key: 'settingsPage',
  version: 1,
  capture: ({ settings: { open, page } }) => ({ open, page }),
  apply: (s, page) => ({ ...s, settings: { ...s.settings, ...page } }),
  validate: (raw) => shape<Page>({ open: flag, page: oneOf('general', 'editor', 'updates', 'about') })(raw, 'settingsPage'),
})

type Geometry = Pick<Frame, 'x' | 'y' | 'width' | 'height'>
const place = number(-1e6, 1e6)
const extent = number(1, 1e6)
const windowGeometry = field<AppState, Geometry>({
  key: 'windowGeometry',
  version: 1,
  capture: ({ window: { x, y, width, height } }) => ({ x, y, width, height }),
  apply: (s, geometry) => ({ ...s, window: { ...s.window, ...geometry } }),
  validate: (raw) => shape<Geometry>({ x: place, y: place, width: extent, height: extent })(raw, 'windowGeometry'),
})

// The fields that a window carries out; the rest of the state lives in the page.
export const windowFields: readonly string[] = ['windowGeometry', 'maximised', 'minimised', 'fullscreen']

const ofDocuments = 'what the documents folder holds, read at every start'

export const fields = registry<AppState>({
  workspace: nested<AppState, AppState['workspace']>({
    entries: transient(ofDocuments),
    expanded: part('treeExpanded', 'workspace', 'expanded', list(path, many)),
    tabs: part('tabs', 'workspace', 'tabs', list(shape<Tab>({ path, pinned: flag }), many)),
    active: activeTab,
    closed: part('closedTabs', 'workspace', 'closed', list(path, limits.closed)),
    buffers: nested<AppState, Buffer>({
      path: buffers,
      text: buffers,
      revision: buffers,
      dirty: buffers,
      missing: buffers,
      savedAt: buffers,
      conflict: buffers,
      error: buffers,
      editor: nested<AppState, EditorMemory>({ selections, scroll: editorScroll, folds, history, search }),
      previewScroll,
    }),
  }),
  layout: nested<AppState, AppState['layout']>({
    sidebarOpen: part('sidebarOpen', 'layout', 'sidebarOpen', flag),
    sidebarWidth: part('sidebarWidth', 'layout', 'sidebarWidth', number(...limits.sidebar)),
    sidebarScroll: part('sidebarScroll', 'layout', 'sidebarScroll', number(0, 1e7)),
    sidebarFilter: part('sidebarFilter', 'layout', 'sidebarFilter', text(10_000)),
    split: part('split', 'layout', 'split', number(...limits.split)),
    preview: part('preview', 'layout', 'preview', flag),
  }),
  settings: nested<AppState, AppState['settings']>({
    open: settingsPage,
    page: settingsPage,
    fields: part('settingsFields', 'settings', 'fields', record(text(10_000), 1000)),
  }),
  palette: top('palette', shape<AppState['palette']>({ open: flag, query: text(10_000), index: whole(0, 1e6) })),
  focus: top('focus', text(1000)),
  theme: top('theme', oneOf('system', 'light', 'dark')),
  zoom: top('zoom', number(...limits.zoom)),
  window: nested<AppState, Frame>({
    x: windowGeometry,
    y: windowGeometry,
    width: windowGeometry,
    height: windowGeometry,
    maximised: part('maximised', 'window', 'maximised', flag),
    minimised: part('minimised', 'window', 'minimised', flag),
    fullscreen: part('fullscreen', 'window', 'fullscreen', flag),
    visible: transient('whether the window shows is decided by who starts the app'),
  }),
})
