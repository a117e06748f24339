// Fields of open documents: their text, and what the editor and the preview know about each.
import { emptyMemory, type AppState, type Buffer, type EditorMemory, type SearchMemory } from '../../model/app'
import { freshBuffer } from '../../model/buffers'
import { field, type Field } from '../../snapshot'
import { flag, list, number, orNull, shape, text, whole, type Check } from './validate'

export const maxText = 32 << 20
export const path = text(4096)
const many = 10_000
const position = whole(0, maxText)

type Draft = Omit<Buffer, 'editor' | 'previewScroll'>

const draft = shape<Draft>({
  path,
  text: text(maxText),
  revision: text(200),
  dirty: flag,
  missing: flag,
  error: orNull(shape({ code: text(100), message: text(10_000) })),
  savedAt: text(100),
  conflict: orNull(shape({ text: text(maxText), revision: text(200) })),
})

// Text and unsaved drafts. In the order of their paths: how often a document was opened is nobody's business.
export const buffers = field<AppState, Draft[]>({
  key: 'buffers',
  version: 1,
  capture: (s) =>
    sorted(s).map(({ path, text, revision, dirty, missing, error, savedAt, conflict }) => ({
      path,
      text,
      revision,
      dirty,
      missing,
      error,
      savedAt,
      conflict,
    })),
  apply: (s, drafts) =>
    withBuffers(
      s,
      drafts.map((d) => [d.path, { ...freshBuffer(d), ...d }]),
    ),
  validate: (raw) => {
    const all = list(draft, many)(raw, 'buffers')
    if (new Set(all.map((d) => d.path)).size < all.length) throw new Error('buffers hold a document twice')
    return all
  },
})

const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)

function sorted(s: AppState): Buffer[] {
  return Object.values(s.workspace.buffers).sort(byPath)
}

function withBuffers(s: AppState, entries: [string, Buffer][]): AppState {
  return { ...s, workspace: { ...s.workspace, buffers: Object.fromEntries(entries) } }
}

type PerBuffer<T> = { path: string; value: T }[]

interface Part<T> {
  key: string
  get(b: Buffer): T | null // null: there is nothing to remember
  set(b: Buffer, value: T): Buffer
  check: Check<T>
  same?(a: T, b: T): boolean
}

function perBuffer<T>({ key, get, set, check, same }: Part<T>): Field<AppState> {
  return field<AppState, PerBuffer<T>>({
    key,
    version: 1,
    capture: (s) =>
      sorted(s).flatMap((b) => {
        const value = get(b)
        return value === null ? [] : [{ path: b.path, value }]
      }),
    apply: (s, values) => {
      const found = new Map(values.map((v) => [v.path, v.value]))
      return withBuffers(
        s,
        Object.entries(s.workspace.buffers).map(([p, b]) => {
          const value = found.get(p)
          return [p, value === undefined ? b : set(b, value)]
        }),
      )
    },
    validate: (raw) => list(shape<PerBuffer<T>[number]>({ path, value: check }), many)(raw, key),
    ...(same && {
      same: (wanted, found) =>
        wanted.length === found.length && wanted.every((w, i) => found[i]?.path === w.path && same(w.value, found[i].value)),
    }),
  })
}

function fromEditor<K extends keyof EditorMemory>(
  key: string,
  part: K,
  check: Check<EditorMemory[K]>,
  same?: (a: EditorMemory[K], b: EditorMemory[K]) => boolean,
): Field<AppState> {
  return perBuffer<EditorMemory[K]>({
    key,
    get: (b) => b.editor?.[part] ?? null,
    set: (b, value) => ({ ...b, editor: { ...(b.editor ?? emptyMemory), [part]: value } }),
    check,
    ...(same && { same }),
  })
}

const pixels = number(-1e7, 1e7)
const near = (a: number, b: number) => Math.abs(a - b) < 1 // within a pixel

export const selections = fromEditor(
  'selections',
  'selections',
  shape({ ranges: list(shape({ anchor: position, head: position }), many), main: whole(0, many) }),
)

export const folds = fromEditor('folds', 'folds', list(shape({ from: position, to: position }), many))

// The same line in the same place. The raw position counts lines above that may be guessed differently, and is only a fallback.
export const editorScroll = fromEditor(
  'editorScroll',
  'scroll',
  shape({ pos: position, offset: pixels, left: pixels, top: pixels }),
  (a, b) => a.pos === b.pos && near(a.offset, b.offset) && near(a.left, b.left),
)

const branch = (raw: unknown, at: string) => {
  if (!Array.isArray(raw)) throw new Error(`${at} is not a list`)
  return raw as unknown[]
}

// Undo and redo, in the editor's own form: the editor looks inside.
export const history = fromEditor('history', 'history', shape<{ done: unknown[]; undone: unknown[] }>({ done: branch, undone: branch }))

// An open search panel; a closed one is not there.
export const search = fromEditor(
  'search',
  'search',
  orNull(shape<SearchMemory>({ search: text(maxText), replace: text(maxText), caseSensitive: flag, regexp: flag, wholeWord: flag })),
)

export const previewScroll = perBuffer<number>({
  key: 'previewScroll',
  get: (b) => b.previewScroll,
  set: (b, value) => ({ ...b, previewScroll: value }),
  check: pixels,
  same: near,
})
