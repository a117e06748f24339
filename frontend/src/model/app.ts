// The whole state of the interface as one plain object. Nothing here knows Svelte, the DOM or the desktop: the same functions work on a plain
// object in a test and on the reactive one in the window. Every function changes the state it is given and nothing else.

// A window's place and state; place and size are those of the content when it is neither maximised nor full screen, in the system's logical pixels.
export interface Frame {
  x: number
  y: number
  width: number
  height: number
  maximised: boolean
  minimised: boolean
  fullscreen: boolean
  visible: boolean
}

export interface DocumentEntry {
  path: string
  name: string
  folder: boolean
  children: DocumentEntry[]
  modified: string
  size: number
}

export interface Range {
  anchor: number
  head: number
}

// Where the editor's text begins to show: the line that starts at `pos` has its top `offset` pixels below the upper edge (negative: above it).
export interface ScrollMemory {
  pos: number
  offset: number
  left: number
  top: number // the raw scroll position, for when the line cannot be found any more
}

// An open search panel. Where one is in its results is the selection.
export interface SearchMemory {
  search: string
  replace: string
  caseSensitive: boolean
  regexp: boolean
  wholeWord: boolean
}

// What an editor knows beside its text. `history` is the undo history in the editor's own JSON.
export interface EditorMemory {
  selections: { ranges: Range[]; main: number }
  scroll: ScrollMemory
  folds: { from: number; to: number }[]
  history: unknown
  search: SearchMemory | null // null: the panel is closed
}

export const emptyMemory: EditorMemory = {
  selections: { ranges: [{ anchor: 0, head: 0 }], main: 0 },
  scroll: { pos: 0, offset: 0, left: 0, top: 0 },
  folds: [],
  history: null,
  search: null,
}

export interface Failure {
  code: string
  message: string
}

export interface Buffer {
  path: string
  text: string // mirror of the editor's text
  revision: string // of the file this text came from; '' when there is no file
  dirty: boolean
  missing: boolean // the file is gone; the text lives here only
  error: Failure | null // why the last save failed
  savedAt: string // RFC 3339, '' when not saved since it was opened
  conflict: { text: string; revision: string } | null // the other version, found on disk
  editor: EditorMemory | null // null: top of the document
  previewScroll: number
}

export interface Tab {
  path: string
  pinned: boolean
}

export type ThemeChoice = 'system' | 'light' | 'dark'
export type SettingsPage = 'general' | 'editor' | 'updates' | 'about'

export interface AppState {
  workspace: {
    entries: DocumentEntry[]
    expanded: string[]
    tabs: Tab[]
    active: string | null
    closed: string[] // newest last
    buffers: Record<string, Buffer>
  }
  layout: { sidebarOpen: boolean; sidebarWidth: number; sidebarScroll: number; sidebarFilter: string; split: number; preview: boolean }
  settings: { open: boolean; page: SettingsPage; fields: Record<string, string> }
  palette: { open: boolean; query: string; index: number }
  focus: string // data-focus-id of the focused element, '' for none
  theme: ThemeChoice
  zoom: number
  window: Frame
}

export const limits = { sidebar: [180, 480], split: [0.2, 0.8], zoom: [0.8, 2], closed: 20 } as const

export function clamp(value: number, [low, high]: readonly [number, number]): number {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : low
}

export function emptyState(): AppState {
  return {
    workspace: { entries: [], expanded: [], tabs: [], active: null, closed: [], buffers: {} },
    layout: { sidebarOpen: true, sidebarWidth: 248, sidebarScroll: 0, sidebarFilter: '', split: 0.5, preview: true },
    settings: { open: false, page: 'general', fields: {} },
    palette: { open: false, query: '', index: 0 },
    focus: '',
    theme: 'system',
    zoom: 1,
    window: { x: 0, y: 0, width: 1100, height: 760, maximised: false, minimised: false, fullscreen: false, visible: false },
  }
}

export function activeBuffer(s: AppState): Buffer | null {
  return s.workspace.active === null ? null : (s.workspace.buffers[s.workspace.active] ?? null)
}

// ---- layout ----

export function setSidebarWidth(s: AppState, width: number): void {
  s.layout.sidebarWidth = Math.round(clamp(width, limits.sidebar))
}

export function setSplit(s: AppState, share: number): void {
  s.layout.split = clamp(share, limits.split)
}

export function toggleSidebar(s: AppState): void {
  s.layout.sidebarOpen = !s.layout.sidebarOpen
}

export function togglePreview(s: AppState): void {
  s.layout.preview = !s.layout.preview
}

export function setZoom(s: AppState, zoom: number): void {
  s.zoom = Math.round(clamp(zoom, limits.zoom) * 100) / 100
}

export function setTheme(s: AppState, theme: ThemeChoice): void {
  s.theme = theme
}

// ---- settings and palette ----

export function openSettings(s: AppState, page: SettingsPage = s.settings.page): void {
  s.settings.open = true
  s.settings.page = page
  closePalette(s)
}

export function closeSettings(s: AppState): void {
  s.settings.open = false
}

export function openPalette(s: AppState, query = ''): void {
  s.palette = { open: true, query, index: 0 }
}

export function closePalette(s: AppState): void {
  s.palette = { open: false, query: '', index: 0 }
}

// ---- tree ----

export function setEntries(s: AppState, entries: DocumentEntry[]): void {
  s.workspace.entries = entries
}

export function toggleFolder(s: AppState, path: string): void {
  const { expanded } = s.workspace
  s.workspace.expanded = expanded.includes(path) ? expanded.filter((p) => p !== path) : [...expanded, path]
}

// Every document (no folders) below the entries, in the order in which the tree shows them.
export function documentsOf(entries: DocumentEntry[]): DocumentEntry[] {
  return entries.flatMap((e) => (e.folder ? documentsOf(e.children) : [e]))
}
