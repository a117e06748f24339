// The app's surroundings on the desktop: methods bound by Wails, its events, and HTTP to the asset handler for snapshots, which may be large.
import { platformError } from './error'
import type { Platform, Unsubscribe } from './platform'
import { putQueue, type Put } from './puts'

type Method = (...args: unknown[]) => Promise<unknown>

declare global {
  interface Window {
    go?: { app: Record<string, Record<string, Method>> }
    runtime?: { EventsOn(event: string, fn: (...data: never[]) => void): Unsubscribe }
  }
}

async function call<T>(service: string, method: string, ...args: unknown[]): Promise<T> {
  const bound = window.go?.app[service]?.[method]
  if (!bound) throw platformError(`internal: ${service}.${method} is not bound`)
  try {
    return (await bound(...args)) as T
  } catch (err) {
    throw platformError(err)
  }
}

function on<T>(event: string): (fn: (data: T) => void) => Unsubscribe {
  return (fn) => {
    if (!window.runtime) throw platformError('internal: the runtime is not there')
    return window.runtime.EventsOn(event, fn as (...data: never[]) => void)
  }
}

async function load(): Promise<string | null> {
  const answer = await fetch('/snapshot', { cache: 'no-store' })
  if (answer.status === 204) return null
  const text = await answer.text()
  if (!answer.ok) throw platformError(text.trim())
  return text
}

async function send({ json, reason, id, seq }: Put): Promise<void> {
  const headers = { 'Content-Type': 'application/json', 'X-Seq': String(seq), 'X-Reason': reason, 'X-Capture': id }
  const answer = await fetch('/snapshot', { method: 'PUT', body: json, headers })
  if (answer.status === 409) return // another process is in charge, and keeps the state
  if (!answer.ok) throw platformError((await answer.text()).trim())
}

export function wailsPlatform(): Platform {
  return {
    documents: {
      list: () => call('Documents', 'List'),
      read: (path) => call('Documents', 'Read', path),
      write: (path, text, base) => call('Documents', 'Write', path, text, base),
      create: (path, text) => call('Documents', 'Create', path, text),
      rename: (from, to) => call('Documents', 'Rename', from, to),
      remove: (path) => call('Documents', 'Delete', path),
      undelete: (id) => call('Documents', 'Undelete', id),
      onChanged: on('documents:changed'),
    },
    preferences: {
      get: () => call('Settings', 'Get'),
      set: (patch) => call('Settings', 'Set', patch),
      onChanged: on('preferences:changed'),
    },
    updates: {
      status: () => call('Updates', 'Status'),
      check: () => call('Updates', 'Check'),
      pause: () => call('Updates', 'Pause'),
      resume: () => call('Updates', 'Resume'),
      cancel: () => call('Updates', 'Cancel'),
      tryAgain: () => call('Updates', 'TryAgain'),
      restart: () => call('Updates', 'Restart'),
      goBack: () => call('Updates', 'GoBack'),
      stretch: () => call('Updates', 'Stretch'),
      used: () => call('Updates', 'Used'),
      reports: () => call('Updates', 'Reports'),
      setChannel: (channel) => call('Updates', 'SetChannel', channel),
      history: () => call('Updates', 'History'),
      onStatus: on('updates:status'),
    },
    window: {
      frame: () => call('Window', 'Frame'),
      place: (frame) => call('Window', 'Place', frame),
      present: (frame) => call('Window', 'Present', frame),
      setTitle: (title) => call('Window', 'SetTitle', title),
      onFrame: on('window:frame'),
    },
    session: {
      begin: () => call('Session', 'Begin'),
      restored: (report) => call('Session', 'Restored', report),
      visibility: (hidden) => call('Session', 'Visibility', hidden),
      loadSnapshot: load,
      putSnapshot: putQueue(send),
      onCapture: on('session:capture'),
      onRestore: on('session:restore'),
      onTookOver: on('session:took-over'),
      onRetired: on('session:retired'),
      mirror: (n, item) => call('Session', 'Mirror', n, item),
      onMirror: on('session:mirror'),
      onCross: on('session:cross'),
      answer: (id, text) => call('Session', 'Answer', id, text),
      hold: (id, label) => call('Session', 'Hold', id, label),
      release: (id) => call('Session', 'Release', id),
    },
    openExternal: (url) => call('Window', 'OpenExternal', url),
  }
}
