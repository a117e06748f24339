// Tabs: which documents are open, in which order, which one is in front, and which were closed.
import { limits, type AppState, type Buffer } from './app'
import { freshBuffer } from './buffers'

// Opens a document that has been read, or brings its tab to the front. A buffer that is already there is kept: it may hold a draft.
export function openTab(s: AppState, document: { path: string; text: string; revision: string }): void {
  const w = s.workspace
  w.buffers[document.path] ??= freshBuffer(document)
  if (!w.tabs.some((t) => t.path === document.path)) {
    const at = w.tabs.findIndex((t) => t.path === w.active)
    w.tabs.splice(at < 0 ? w.tabs.length : at + 1, 0, { path: document.path, pinned: false })
  }
  w.closed = w.closed.filter((p) => p !== document.path)
  w.active = document.path
  w.expanded = [...w.expanded, ...foldersAbove(document.path).filter((folder) => !w.expanded.includes(folder))]
}

// The folders that must be unfolded for a document to be seen in the tree: "a" and "a/b" for "a/b/c.md".
function foldersAbove(path: string): string[] {
  const names = path.split('/').slice(0, -1)
  return names.map((_, i) => names.slice(0, i + 1).join('/'))
}

export function activate(s: AppState, path: string): void {
  if (s.workspace.tabs.some((t) => t.path === path)) s.workspace.active = path
}

// Goes `step` tabs on, around the end.
export function cycleTab(s: AppState, step: number): void {
  const { tabs, active } = s.workspace
  if (tabs.length === 0) return
  const at = tabs.findIndex((t) => t.path === active)
  const next = tabs[(((at + step) % tabs.length) + tabs.length) % tabs.length]
  if (next) s.workspace.active = next.path
}

// Closes a tab. A buffer with unsaved text stays in memory, so that reopening the tab brings the draft back.
export function closeTab(s: AppState, path: string): void {
  const w = s.workspace
  const at = w.tabs.findIndex((t) => t.path === path)
  if (at < 0) return
  w.tabs.splice(at, 1)
  w.closed = [...w.closed.filter((p) => p !== path), path].slice(-limits.closed)
  if (w.active === path) w.active = (w.tabs[at] ?? w.tabs[at - 1])?.path ?? null
  if (!w.buffers[path]?.dirty) w.buffers = keep(w.buffers, (p) => p !== path)
}

export function closeOthers(s: AppState, path: string): void {
  for (const tab of [...s.workspace.tabs]) if (tab.path !== path && !tab.pinned) closeTab(s, tab.path)
  activate(s, path)
}

// The document to open again with "reopen closed tab", or null.
export function lastClosed(s: AppState): string | null {
  return s.workspace.closed.at(-1) ?? null
}

export function moveTab(s: AppState, path: string, to: number): void {
  const { tabs } = s.workspace
  const at = tabs.findIndex((t) => t.path === path)
  const [tab] = at < 0 ? [] : tabs.splice(at, 1)
  if (tab) tabs.splice(Math.min(tabs.length, Math.max(0, to)), 0, tab)
}

export function pinTab(s: AppState, path: string, pinned: boolean): void {
  const tab = s.workspace.tabs.find((t) => t.path === path)
  if (tab) tab.pinned = pinned
}

// A document or a folder got another name: tabs, buffers, closed tabs and open folders follow.
export function renamed(s: AppState, from: string, to: string): void {
  const w = s.workspace
  const follow = (path: string) => (path === from ? to : path.startsWith(from + '/') ? to + path.slice(from.length) : path)
  for (const tab of w.tabs) tab.path = follow(tab.path)
  w.closed = w.closed.map(follow)
  w.expanded = w.expanded.map(follow)
  if (w.active !== null) w.active = follow(w.active)
  w.buffers = Object.fromEntries(Object.values(w.buffers).map((b) => [follow(b.path), { ...b, path: follow(b.path) }]))
}

// A document or a folder was deleted: its tabs go, its drafts with them (the file waits in the trash).
export function removed(s: AppState, path: string): void {
  const w = s.workspace
  const gone = (p: string) => p === path || p.startsWith(path + '/')
  for (const tab of w.tabs.filter((t) => gone(t.path))) closeTab(s, tab.path)
  w.buffers = keep(w.buffers, (p) => !gone(p))
  w.closed = w.closed.filter((p) => !gone(p))
  w.expanded = w.expanded.filter((p) => !gone(p))
}

function keep(buffers: Record<string, Buffer>, wanted: (path: string) => boolean): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(buffers).filter(([path]) => wanted(path)))
}
