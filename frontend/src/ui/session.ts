// What the components ask for: documents opened, made, renamed and deleted, text typed, editors connected. Failures end up in app.problem or
// in the buffer they concern; nothing here
// rejects.
import { platformError, type Platform } from '../bridge'
import { setEntries, type AppState, type EditorMemory } from '../model/app'
import { conflicted, edited, keepMine, missing, remember, replaceText, takeDisk, unsaved } from '../model/buffers'
import { activate, closeTab, lastClosed, openTab, removed, renamed } from '../model/tabs'
import { autosave } from './autosave'
import type { Edit, EditorMirror, Look } from './editor'
import type { App } from './state.svelte'

// What a live editor has to offer to a capture, and to another process that shows the same.
export interface Remembering {
  memory(): EditorMemory
  mirror?: EditorMirror
}

// Who wants to know what happens in the editors.
export interface EditorWatcher {
  connected(): void // another editor is shown
  edited(path: string, edit: Edit): void
}

export type Session = ReturnType<typeof createSession>

export function createSession(app: App, platform: Platform) {
  const { documents } = platform
  const saves = autosave({ state: app.state, documents })
  const live = new Map<string, Remembering>()
  const tellers = new Set<() => void>()
  let watcher: EditorWatcher | null = null

  async function tried<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (err) {
      const { code, message } = platformError(err)
      app.problem = { code, message }
      return null
    }
  }

  const refresh = () => tried(async () => setEntries(app.state, await documents.list()))

  // Looks whether open documents still are what their files hold.
  async function compareWithDisk(): Promise<void> {
    await Promise.all(
      Object.values(app.state.workspace.buffers).map(async ({ path, revision }) => {
        try {
          const disk = await documents.read(path)
          const buffer = app.state.workspace.buffers[path]
          if (!buffer || disk.revision === buffer.revision || buffer.revision !== revision) return // a save went by meanwhile
          if (buffer.dirty) conflicted(app.state, path, disk)
          else if (buffer.text === disk.text) buffer.revision = disk.revision
          else replaceText(buffer, disk)
        } catch (err) {
          if (platformError(err).code === 'not-found') missing(app.state, path)
        }
      }),
    )
  }

  async function open(path: string): Promise<void> {
    if (app.state.workspace.buffers[path]) {
      openTab(app.state, app.state.workspace.buffers[path])
      return
    }
    await tried(async () => openTab(app.state, await documents.read(path)))
  }

  return {
    platform,
    tried,
    refresh,
    compareWithDisk,
    open,
    saves,

    // Called with every editor that is shown; the result is called before it goes, so that its memory stays with its buffer.
    connectEditor(path: string, editor: Remembering): () => void {
      live.set(path, editor)
      const deaf = editor.mirror?.listen((edit) => watcher?.edited(path, edit))
      watcher?.connected()
      return () => {
        deaf?.()
        if (live.get(path) !== editor) return
        remember(app.state, path, editor.memory())
        live.delete(path)
      }
    },

    watchEditors(by: EditorWatcher): void {
      watcher = by
    },

    mirrorOf(path: string): EditorMirror | undefined {
      return live.get(path)?.mirror
    },

    looks(): [path: string, look: Look][] {
      return [...live].flatMap(([path, { mirror }]) => (mirror ? [[path, mirror.look()] as [string, Look]] : []))
    },

    // The state as it is at this moment, but for what live editors know.
    places(): AppState {
      for (const tell of tellers) tell()
      return app.plain()
    },

    // The state as it is at this moment, with what live editors and scrollers know. Recorded state is plain: nothing reactive changes.
    gather(): AppState {
      const state = this.places()
      for (const [path, editor] of live) remember(state, path, editor.memory())
      return state
    },

    // Another state is about to be put in place: what the editors of this one remember must not end up in it.
    forgetEditors(): void {
      live.clear()
    },

    // For everything else that knows more than the state does, such as scrollers: `tell` writes it into the state when a capture needs it.
    onGather(tell: () => void): () => void {
      tellers.add(tell)
      return () => tellers.delete(tell)
    },

    // Text that was typed in another process, or before this one was in charge, is not saved yet.
    saveSoon(): void {
      for (const path of unsaved(app.state)) saves.touched(path)
    },

    typed(path: string, text: string): void {
      edited(app.state, path, text)
      saves.touched(path)
    },

    async saveNow(path: string): Promise<void> {
      await saves.save(path)
      await refresh()
    },

    async create(name: string, text = ''): Promise<void> {
      const created = await tried(() => documents.create(name, text))
      if (!created) return
      openTab(app.state, created)
      await refresh()
    },

    async close(path: string): Promise<void> {
      if (!app.state.workspace.buffers[path]?.missing) await saves.save(path)
      closeTab(app.state, path)
    },

    async reopen(): Promise<void> {
      const path = lastClosed(app.state)
      if (path === null) return
      app.state.workspace.closed = app.state.workspace.closed.slice(0, -1)
      await open(path)
    },

    activate(path: string): void {
      const before = app.state.workspace.active
      activate(app.state, path)
      if (before !== null && before !== path) void saves.save(before)
    },

    async rename(from: string, to: string): Promise<boolean> {
      await saves.all()
      const done = await tried(async () => {
        await documents.rename(from, to)
        for (const [path, editor] of live) remember(app.state, path, editor.memory())
        renamed(app.state, from, to)
        return true
      })
      await refresh()
      return done === true
    },

    // Moves a document or folder into the trash; app.deleted offers it back.
    async remove(path: string): Promise<void> {
      const id = await tried(() => documents.remove(path))
      if (id === null) return
      removed(app.state, path)
      app.deleted = { id, path }
      await refresh()
    },

    async undelete(): Promise<void> {
      const { deleted } = app
      if (!deleted) return
      app.deleted = null
      const path = await tried(() => documents.undelete(deleted.id))
      await refresh()
      if (path !== null && !app.state.workspace.expanded.includes(path) && path.endsWith('.md')) await open(path)
    },

    async keepMine(path: string): Promise<void> {
      keepMine(app.state, path)
      await saves.save(path)
    },

    takeDisk(path: string): void {
      takeDisk(app.state, path)
    },
  }
}
