// Buffers: the text of open documents, and how it relates to the file: same, newer, without a file, or beside another version.
import type { AppState, Buffer, EditorMemory, Failure } from './app'

interface Read {
  path: string
  text: string
  revision: string
}

export function freshBuffer({ path, text, revision }: Read): Buffer {
  return {
    path,
    text,
    revision,
    dirty: false,
    missing: false,
    error: null,
    savedAt: '',
    conflict: null,
    editor: null,
    previewScroll: 0,
  }
}

// The user typed. The buffer counts as changed until a save of this very text succeeds.
export function edited(s: AppState, path: string, text: string): void {
  const b = s.workspace.buffers[path]
  if (!b || b.text === text) return
  b.text = text
  b.dirty = true
}

// A save of `text` is durable. What was typed meanwhile stays unsaved.
export function savedBuffer(s: AppState, path: string, text: string, saved: { revision: string; savedAt: string }): void {
  const b = s.workspace.buffers[path]
  if (!b) return
  b.revision = saved.revision
  b.savedAt = saved.savedAt
  b.dirty = b.text !== text
  b.missing = false
  b.error = null
}

export function saveFailed(s: AppState, path: string, error: Failure): void {
  const b = s.workspace.buffers[path]
  if (b) b.error = error
}

// The file holds something else than what this text was based on. Nothing is written until the user chooses.
export function conflicted(s: AppState, path: string, disk: { text: string; revision: string }): void {
  const b = s.workspace.buffers[path]
  if (!b) return
  if (b.text === disk.text) {
    Object.assign(b, { revision: disk.revision, dirty: false, conflict: null, error: null, missing: false })
  } else {
    Object.assign(b, { conflict: { text: disk.text, revision: disk.revision }, error: null, missing: false })
  }
}

// The user keeps what is in the editor: the next save replaces the version that was found.
export function keepMine(s: AppState, path: string): void {
  const b = s.workspace.buffers[path]
  if (!b?.conflict) return
  b.revision = b.conflict.revision
  b.conflict = null
  b.dirty = true
}

// The user takes the version that was found on disk.
export function takeDisk(s: AppState, path: string): void {
  const b = s.workspace.buffers[path]
  if (b?.conflict) replaceText(b, b.conflict)
}

// The file has new text and nothing here was unsaved. Positions that belong to the old text are forgotten.
export function replaceText(b: Buffer, disk: { text: string; revision: string }): void {
  if (b.text !== disk.text) b.editor = null
  Object.assign(b, { text: disk.text, revision: disk.revision, dirty: false, conflict: null, error: null, missing: false })
}

export function missing(s: AppState, path: string): void {
  const b = s.workspace.buffers[path]
  if (!b) return
  b.missing = true
  b.dirty = true
}

export function remember(s: AppState, path: string, memory: EditorMemory): void {
  const b = s.workspace.buffers[path]
  if (b) b.editor = memory
}

// Paths with text that no file holds yet.
export function unsaved(s: AppState): string[] {
  return Object.values(s.workspace.buffers)
    .filter((b) => b.dirty)
    .map((b) => b.path)
}
