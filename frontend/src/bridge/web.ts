// The app's surroundings in memory: for the browser, for screenshots and for tests. It behaves as the desktop does, conflicts included.
// The address may choose what is shown: ?theme=dark&lang=zh-Hans&update=downloading&paused=metered, ?update=refused&reason=disk,
// ?update=waiting&hold=open, ?update=waiting&start=ask&countdown=14
import { defaultPreferences } from './defaults'
import { PlatformError } from './error'
import type {
  CrossStep,
  DeepPartial,
  DocumentEntry,
  Frame,
  Language,
  MirrorItem,
  Pause,
  Platform,
  Preferences,
  ReasonCode,
  SessionStart,
  Start,
  ThemeChoice,
  Unsubscribe,
  UpdateState,
  UpdateStatus,
} from './platform'
import { sampleDocuments, sampleHistory, sampleReports, sampleStatus } from './samples'

// The events that the desktop would send, and what was done to it: for tests that play the other side.
export interface WebControls {
  capture(id: string): void
  restore(): void
  tookOver(): void
  retired(): void
  cross(step: CrossStep): void
  mirror(item: MirrorItem): void
  mirrored: MirrorItem[] // what the page told the other one
  answers: Map<string, string> // by id
  status(status: UpdateStatus): void
  frame(frame: Frame): void
  documentsChanged(): void
  change(path: string, text: string | null): void // the file was changed by something else; null: it is gone
  fail(operation: string, error: PlatformError | null): void // operations such as 'documents.write'
  snapshot: string | null
  puts: { json: string; reason: string; id: string }[]
  calls: string[]
}

export interface WebOptions {
  search?: string
  start?: Partial<SessionStart>
  documents?: Record<string, string>
}

interface File {
  text: string
  revision: string
  modified: string
}

class Channel<T> {
  private readonly listeners = new Set<(value: T) => void>()
  on = (fn: (value: T) => void): Unsubscribe => {
    this.listeners.add(fn)
    return () => this.listeners.delete(fn)
  }
  send(value: T): void {
    for (const fn of this.listeners) fn(value)
  }
}

export function webPlatform({ search = '', start = {}, documents = sampleDocuments }: WebOptions = {}): Platform & {
  controls: WebControls
} {
  const query = new URLSearchParams(search)
  const failures = new Map<string, PlatformError>()
  const calls: string[] = []
  const did = <T>(operation: string, value: () => T): Promise<T> => {
    calls.push(operation)
    const failure = failures.get(operation)
    if (failure) return Promise.reject(failure)
    try {
      return Promise.resolve(value())
    } catch (err) {
      return Promise.reject(err instanceof Error ? err : new Error(String(err)))
    }
  }

  const files = new Map<string, File>()
  const trash = new Map<string, Map<string, File>>()
  let counter = 0
  const fresh = (text: string): File => ({ text, revision: `r${++counter}`, modified: new Date().toISOString() })
  for (const [path, text] of Object.entries(documents)) files.set(path, fresh(text))
  const file = (path: string): File => {
    const found = files.get(path)
    if (!found) throw new PlatformError('not-found', `${path} does not exist`)
    return found
  }
  const below = (path: string) => [...files].filter(([p]) => p === path || p.startsWith(path + '/'))

  let preferences: Preferences = {
    ...defaultPreferences,
    language: (query.get('lang') ?? '') as Language,
    theme: (query.get('theme') ?? 'system') as ThemeChoice,
    updates: {
      ...defaultPreferences.updates,
      start: (query.get('start') ?? 'hidden') as Start,
      holdFor: query.get('hold') ?? '',
      share: query.has('share'),
    },
  }
  let status: UpdateStatus = {
    ...sampleStatus((query.get('update') ?? 'current') as UpdateState, query.get('reason') as ReasonCode | null),
    paused: (query.get('paused') ?? '') as Pause,
    critical: query.has('countdown'),
    countdown: query.has('countdown') ? new Date(Date.now() + Number(query.get('countdown')) * 60_000).toISOString() : '',
  }
  let frame: Frame = { x: 0, y: 0, width: 1100, height: 760, maximised: false, minimised: false, fullscreen: false, visible: true }

  const events = {
    documents: new Channel<void>(),
    preferences: new Channel<Preferences>(),
    status: new Channel<UpdateStatus>(),
    frame: new Channel<Frame>(),
    capture: new Channel<string>(),
    restore: new Channel<void>(),
    tookOver: new Channel<void>(),
    retired: new Channel<void>(),
    cross: new Channel<CrossStep>(),
    mirror: new Channel<MirrorItem>(),
  }
  const holds = new Map<string, string>()
  const setStatus = (patch: Partial<UpdateStatus>) => {
    status = { ...status, ...patch, holds: [...holds].map(([id, label]) => ({ id, label })), since: new Date().toISOString() }
    events.status.send(status)
  }

  const controls: WebControls = {
    capture: (id) => events.capture.send(id),
    restore: () => events.restore.send(),
    tookOver: () => events.tookOver.send(),
    retired: () => events.retired.send(),
    cross: (step) => events.cross.send(step),
    mirror: (item) => events.mirror.send(item),
    mirrored: [],
    answers: new Map(),
    status: setStatus,
    frame: (f) => events.frame.send((frame = f)),
    documentsChanged: () => events.documents.send(),
    change: (path, text) => {
      if (text === null) files.delete(path)
      else files.set(path, fresh(text))
      events.documents.send()
    },
    fail: (operation, error) => {
      if (error) failures.set(operation, error)
      else failures.delete(operation)
    },
    snapshot: null,
    puts: [],
    calls,
  }

  return {
    controls,
    documents: {
      list: () => did('documents.list', () => tree([...files])),
      read: (path) => did('documents.read', () => ({ path, text: file(path).text, revision: file(path).revision })),
      write: (path, text, base) =>
        did('documents.write', () => {
          const existing = files.get(path)
          if ((existing?.revision ?? '') !== base) throw new PlatformError('conflict', `${path} was changed by something else`)
          const written = fresh(text)
          files.set(path, written)
          return { revision: written.revision, savedAt: written.modified }
        }),
      create: (path, text) =>
        did('documents.create', () => {
          let free = path
          for (let n = 2; files.has(free); n++) free = path.replace(/(\.md)?$/, ` ${n}$1`)
          const created = fresh(text)
          files.set(free, created)
          events.documents.send()
          return { path: free, text, revision: created.revision }
        }),
      rename: (from, to) =>
        did('documents.rename', () => {
          if (files.has(to)) throw new PlatformError('exists', `${to} exists already`)
          for (const [path, f] of below(from)) {
            files.delete(path)
            files.set(to + path.slice(from.length), f)
          }
          events.documents.send()
        }),
      remove: (path) =>
        did('documents.remove', () => {
          const id = `t${++counter}`
          trash.set(id, new Map(below(path)))
          for (const [p] of below(path)) files.delete(p)
          events.documents.send()
          return id
        }),
      undelete: (id) =>
        did('documents.undelete', () => {
          const back = [...(trash.get(id) ?? [])]
          const [first] = back
          if (!first) throw new PlatformError('not-found', 'it is not in the trash any more')
          for (const [path, f] of back) files.set(path, f)
          trash.delete(id)
          events.documents.send()
          return first[0]
        }),
      onChanged: events.documents.on,
    },
    preferences: {
      get: () => did('preferences.get', () => preferences),
      set: (patch) =>
        did('preferences.set', () => {
          preferences = merge(preferences, patch)
          events.preferences.send(preferences)
          return preferences
        }),
      onChanged: events.preferences.on,
    },
    updates: {
      status: () => did('updates.status', () => status),
      check: () => did('updates.check', () => setStatus({ lastCheck: new Date().toISOString() })),
      pause: () => did('updates.pause', () => setStatus({ paused: 'user' })),
      resume: () => did('updates.resume', () => setStatus({ paused: '' })),
      cancel: () =>
        did('updates.cancel', () =>
          setStatus({ state: 'aborted', paused: '', progress: null, reason: { code: 'cancelled', detail: '', params: {} } }),
        ),
      tryAgain: () => did('updates.tryAgain', () => setStatus({ ...sampleStatus('downloading', null) })),
      restart: () => did('updates.restart', () => setStatus({ ...sampleStatus('probation', null) })),
      goBack: () => did('updates.goBack', () => setStatus({ ...sampleStatus('waiting', null), target: status.back?.version ?? '' })),
      stretch: () =>
        did('updates.stretch', () => setStatus({ countdown: new Date(Date.parse(status.countdown) + 3_600_000).toISOString() })),
      used: () => did('updates.used', () => undefined),
      reports: () => did('updates.reports', () => sampleReports),
      setChannel: (channel) => did('updates.setChannel', () => setStatus({ channel })),
      history: () => did('updates.history', () => sampleHistory),
      onStatus: events.status.on,
    },
    window: {
      frame: () => did('window.frame', () => frame),
      place: (f) => did('window.place', () => void (frame = { ...f, visible: frame.visible })),
      present: (f) => did('window.present', () => void (frame = { ...(f ?? frame), visible: true })),
      setTitle: (title) => did('window.setTitle', () => void (globalThis.document && (globalThis.document.title = title))),
      onFrame: events.frame.on,
    },
    session: {
      begin: () =>
        did('session.begin', () => ({
          mode: 'fresh',
          version: status.installed,
          schema: 1,
          language: '',
          beneath: false,
          notices: [],
          ...start,
        })),
      restored: () => did('session.restored', () => undefined),
      visibility: () => did('session.visibility', () => undefined),
      loadSnapshot: () => did('session.loadSnapshot', () => controls.snapshot),
      putSnapshot: (json, reason, id) =>
        did('session.putSnapshot', () => {
          controls.snapshot = json
          controls.puts.push({ json, reason, id })
        }),
      onCapture: events.capture.on,
      onRestore: events.restore.on,
      onTookOver: events.tookOver.on,
      onRetired: events.retired.on,
      mirror: (n, item) => did('session.mirror', () => void controls.mirrored.push({ n, item })),
      onMirror: events.mirror.on,
      onCross: events.cross.on,
      answer: (id, text) => did('session.answer', () => void controls.answers.set(id, text)),
      hold: (id, label) => did('session.hold', () => (holds.set(id, label), setStatus({}))),
      release: (id) => did('session.release', () => (holds.delete(id), setStatus({}))),
    },
    openExternal: (url) => did('openExternal', () => void globalThis.open?.(url, '_blank', 'noopener')),
  }
}

function tree(files: [string, File][]): DocumentEntry[] {
  const root: DocumentEntry[] = []
  for (const [path, { text, modified }] of files) {
    const names = path.split('/')
    let level = root
    names.forEach((name, i) => {
      const here = names.slice(0, i + 1).join('/')
      const folder = i < names.length - 1
      let entry = level.find((e) => e.path === here)
      if (!entry) level.push((entry = { path: here, name, folder, children: [], modified, size: folder ? 0 : text.length }))
      level = entry.children
    })
  }
  return sorted(root)
}

function sorted(entries: DocumentEntry[]): DocumentEntry[] {
  for (const e of entries) sorted(e.children)
  return entries.sort((a, b) => Number(b.folder) - Number(a.folder) || a.name.localeCompare(b.name))
}

function merge<T extends object>(base: T, patch: DeepPartial<T>): T {
  const result = { ...base }
  for (const key of Object.keys(patch) as (keyof T)[]) {
    const value = patch[key]
    if (value === undefined) continue
    const old = base[key]
    result[key] = (typeof old === 'object' && old !== null ? merge(old, value as DeepPartial<typeof old>) : value) as T[keyof T]
  }
  return result
}
