// From nothing to a window that is as it was: begin, preferences, snapshot, window's size, documents, one update, mount, verify, show. Then the
// wires that keep the state recorded. Whatever fails on the way is noted, and the start goes on.
import { flushSync, tick } from 'svelte'
import { platformError, type Frame, type Platform, type Preferences } from '../bridge'
import { openTab } from '../model/tabs'
import { documentsOf, type AppState } from '../model/app'
import { capture, encode, type Entry } from '../snapshot'
import { crossing, type Crossing } from './crossing'
import { focusedId, refocus } from './focus'
import { ofBuffers, painted } from './mirror'
import { recorder } from './recorder'
import { fields } from './registry'
import { place, prepare, report, type Prepared } from './restore'
import { createSession, type Session } from './session'
import { App } from './state.svelte'

const lightFields: typeof fields = new Map([...fields].filter(([key]) => !ofBuffers.has(key)))

export interface Running {
  app: App
  session: Session
  stop(): void
}

export async function boot(platform: Platform, mount: (app: App, session: Session) => void): Promise<Running> {
  const app = new App()
  const session = createSession(app, platform)
  const off: (() => void)[] = []
  let unknown: Readonly<Record<string, Entry>> = {}
  let restoring = true
  let finished: () => void = () => undefined
  const ready = new Promise<void>((resolve) => (finished = resolve))

  const started = performance.now()
  app.start = (await session.tried(() => platform.session.begin())) ?? app.start
  const records = recorder({
    take: () => {
      const state = session.gather()
      return encode(capture(fields, state, { app: app.start.version, at: new Date().toISOString(), keep: unknown }))
    },
    put: (json, reason, id) => platform.session.putSnapshot(json, reason, id),
    failed: (err) => {
      const { code, message } = platformError(err)
      app.problem = { code, message }
    },
  })

  const cross = crossing({
    app,
    session,
    platform,
    records,
    ready,
    whole: () => capture(fields, session.gather(), { app: app.start.version, at: '', keep: unknown }).fields,
    light: (state) => capture(lightFields, state, { app: app.start.version, at: '' }).fields,
  })
  const inCharge = () => cross.role === 'charge'

  function prefer(p: Preferences): void {
    app.preferences = p
    app.state.theme = p.theme
    app.state.zoom = p.zoom
  }

  // A frame of a window that is not on the screen says nothing about where it belongs.
  function moved(frame: Frame): void {
    if (restoring || !inCharge()) return
    app.state.window = frame.visible ? frame : { ...app.state.window, visible: false }
  }

  // Puts the prepared state in place as one update, waits until the page shows it, and tells what came back.
  async function apply(prepared: Prepared, began: number, show: () => void): Promise<void> {
    const placed = await place(platform, prepared)
    session.forgetEditors()
    app.replace(prepared.state)
    unknown = prepared.unknown
    show()
    flushSync()
    await tick()
    if (!app.start.beneath) refocus(document, prepared.state.focus) // two windows with the focus take the selection from each other
    const result = report(prepared, session.gather(), placed, performance.now() - began)
    await session.tried(() => platform.window.present(prepared.found && !prepared.broken ? { ...app.state.window, visible: true } : null))
    if (app.start.beneath && cross.role === 'waiting') await painted()
    // Last: whoever waits for this word wants to know by then where the window belongs.
    await session.tried(() => platform.session.restored(result))
  }

  async function restoreAgain(): Promise<void> {
    await ready
    restoring = true
    records.close()
    const began = performance.now()
    await apply(await prepare(platform, app.plain()), began, () => undefined)
    restoring = false
    if (!inCharge()) return
    records.open()
    await session.refresh()
    void session.compareWithDisk()
  }

  const preferences = await session.tried(() => platform.preferences.get())
  if (preferences) prefer(preferences)
  app.status = await session.tried(() => platform.updates.status())

  const prepared = await prepare(platform, app.plain())
  const entries = await session.tried(() => platform.documents.list())
  prepared.state.workspace.entries = entries ?? []
  if (!prepared.found) await firstRun(platform, prepared.state)
  if (prepared.broken) app.problem = { code: 'snapshot', message: prepared.broken }

  session.onGather(() => {
    if (app.start.beneath && cross.role === 'waiting') return // what it will have, not what it has
    app.state.focus = focusedId(document)
  })
  const page = watchPage(platform, session, records, cross)
  off.push(
    platform.window.onFrame(moved),
    platform.preferences.onChanged(prefer),
    platform.updates.onStatus((status) => (app.status = status)),
    platform.session.onCapture((id) => void ready.then(() => session.saves.all()).then(() => records.now('capture', id))),
    platform.session.onRestore(() => void restoreAgain()),
    platform.session.onTookOver(() => {
      void ready.then(() => {
        cross.tookOver()
        page.look() // put away before a change could be seen, perhaps
        void session.refresh()
        void session.compareWithDisk()
      })
    }),
    platform.session.onRetired(() => cross.retired()),
    platform.documents.onChanged(() => {
      if (restoring || !inCharge()) return // another process looks, and tells
      void session.refresh()
      void session.compareWithDisk()
    }),
    page.stop,
  )

  await apply(prepared, started, () => mount(app, session))
  // Preferences may have been edited while nothing ran. Behind a running version they are what they were.
  if (preferences && inCharge()) prefer(preferences)
  restoring = false
  if (inCharge()) records.open()
  finished()
  if (inCharge()) void session.compareWithDisk()
  const changed = () => {
    records.soon()
    cross.changed()
  }
  off.push(app.watch(changed), cross.stop)

  return {
    app,
    session,
    stop: () => {
      for (const end of off) end()
      records.close()
      session.saves.stop()
    },
  }
}

// Nothing was ever recorded: show the one document there is, in a window of the system's choice.
async function firstRun(platform: Platform, state: AppState): Promise<void> {
  try {
    const [only, ...others] = documentsOf(state.workspace.entries)
    if (only && others.length === 0) openTab(state, await platform.documents.read(only.path))
    state.window = await platform.window.frame()
  } catch {
    // the window starts empty, in its default size
  }
}

// Hidden, shown, left: what is unsaved goes to disk, and the app's side hears of it after the snapshot of that moment is there.
function watchPage(
  platform: Platform,
  session: Session,
  records: ReturnType<typeof recorder>,
  cross: Crossing,
): { look(): void; stop(): void } {
  let told: Promise<unknown> = Promise.resolve()
  const visibility = () => {
    if (cross.role !== 'charge') return // what is saved or told now is another process's business
    const hidden = document.visibilityState === 'hidden'
    const recorded = hidden ? records.now('hidden') : Promise.resolve()
    if (hidden) void session.saves.all()
    told = told.then(async () => {
      await recorded
      if (hidden !== (document.visibilityState === 'hidden')) return // the user was faster
      await session.tried(() => platform.session.visibility(hidden))
    })
  }
  const left = () => {
    if (cross.role !== 'charge') return
    void records.now('blur')
    void session.saves.all()
  }
  const worked = () => {
    records.soon()
    cross.changed()
  }
  const signs = ['scroll', 'selectionchange', 'focusin'] as const // none of these reaches the reactive state by itself
  document.addEventListener('visibilitychange', visibility)
  window.addEventListener('blur', left)
  for (const sign of signs) document.addEventListener(sign, worked, true)
  return {
    look: visibility,
    stop: () => {
      document.removeEventListener('visibilitychange', visibility)
      window.removeEventListener('blur', left)
      for (const sign of signs) document.removeEventListener(sign, worked, true)
    },
  }
}
