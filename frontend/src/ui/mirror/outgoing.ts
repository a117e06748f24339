// The way out: notices what changes in this page's state and sends it. Edits are sent as they happen; the rest is looked at a moment later.
import type { AppState } from '../../model/app'
import type { Entry } from '../../snapshot'
import type { Edit, Look } from '../editor'
import type { FileFacts, Item } from './items'

export const lookAfter = 150 // milliseconds after the last change: whoever types is not to wait for this
export const lookWithin = 1500 // and no later than this after the first one

export interface Outgoing {
  begin(): void // the other side has this moment's state
  soon(): void // something has changed
  now(): number // sends what has changed; returns the number of the last item
  edit(path: string, edit: Edit): void
  end(): void
  readonly open: boolean
}

interface Options {
  state(): AppState // of this moment, as plain data
  text(path: string): string // of an open document
  record(): Record<string, Entry> // all of it, as a snapshot records it
  light(state: AppState): Record<string, Entry> // the fields that are not of buffers
  looks(): [path: string, look: Look][] // of the editors that are shown
  send(n: number, item: Item): void
}

export function outgoing({ state, text, record, light, looks, send }: Options): Outgoing {
  let open = false
  let n = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let first = 0 // when the first change since the last look was
  let texts = new Map<string, string>() // as the other side has them
  const sent = new Map<string, string>() // what was sent last, as JSON, by what it is

  function emit(item: Item): void {
    send(++n, item)
  }

  // Whether this differs from what was sent last under the key. From now on it counts as sent.
  function differs(key: string, value: unknown): boolean {
    const json = JSON.stringify(value)
    if (sent.get(key) === json) return false
    sent.set(key, json)
    return true
  }

  // Takes stock: what is different from the last time?
  function look(tell: (item: Item) => void): void {
    const now = state()
    const buffers = Object.values(now.workspace.buffers)
    const texted = buffers.length !== texts.size || buffers.some((b) => texts.get(b.path) !== b.text)
    if (texted) texts = new Map(buffers.map((b) => [b.path, b.text]))
    const fields: Record<string, Entry> = {}
    for (const [key, entry] of Object.entries(light(now))) if (differs(`field ${key}`, entry)) fields[key] = entry
    const files = buffers.map(factsOf).filter((f) => differs(`file ${f.path}`, f))
    if (texted) tell({ kind: 'whole', fields: record() })
    else {
      if (files.length > 0) tell({ kind: 'files', files })
      if (Object.keys(fields).length > 0) tell({ kind: 'fields', fields })
    }
    for (const [path, seen] of looks()) if (differs(`look ${path}`, seen)) tell({ kind: 'look', path, look: seen })
  }

  function forget(): void {
    clearTimeout(timer)
    first = 0
  }

  function now(): number {
    forget()
    if (open) look(emit)
    return n
  }

  return {
    get open() {
      return open
    },
    begin: () => {
      n = 0
      open = true
      sent.clear()
      texts = new Map()
      look(() => undefined)
      emit({ kind: 'begin' })
    },
    soon: () => {
      if (!open) return
      first ||= Date.now()
      clearTimeout(timer)
      timer = setTimeout(now, Math.max(0, Math.min(lookAfter, first + lookWithin - Date.now())))
    },
    now,
    edit: (path, edit) => {
      if (!open) return
      emit({ kind: 'edit', path, edit })
      texts.set(path, text(path))
    },
    end: () => {
      open = false
      forget()
    },
  }
}

function factsOf({ path, revision, dirty, missing, error, savedAt, conflict }: AppState['workspace']['buffers'][string]): FileFacts {
  return { path, revision, dirty, missing, error, savedAt, conflict }
}
