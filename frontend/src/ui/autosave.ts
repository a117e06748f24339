// Autosave: text goes to its file a moment after the last key. One save per document at a time; what is typed meanwhile is saved next. A
// failed save keeps the draft and says why; a file that something else changed is never overwritten before the user has chosen.
import { platformError, type DocumentsPort } from '../bridge'
import type { AppState } from '../model/app'
import { conflicted, missing, saveFailed, savedBuffer, unsaved } from '../model/buffers'

export const saveAfter = 800 // milliseconds after the last key

export interface Autosave {
  touched(path: string): void // the text changed: save it soon
  save(path: string): Promise<void> // now, resolved when this text is durable or its failure is noted in the buffer
  all(): Promise<void> // everything that is unsaved and has a file, now
  settled(): Promise<void> // when no save is under way
  stop(): void
}

interface Options {
  state: AppState
  documents: Pick<DocumentsPort, 'read' | 'write' | 'create'>
}

export function autosave({ state, documents }: Options): Autosave {
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  const saving = new Map<string, Promise<void>>()

  function forget(path: string): void {
    clearTimeout(timers.get(path))
    timers.delete(path)
  }

  async function save(path: string): Promise<void> {
    forget(path)
    await saving.get(path) // the save under way may hold older text
    const running = write(path).finally(() => {
      if (saving.get(path) === running) saving.delete(path)
    })
    saving.set(path, running)
    await running
  }

  async function write(path: string): Promise<void> {
    const buffer = state.workspace.buffers[path]
    if (!buffer?.dirty || buffer.conflict) return
    const { text, revision } = buffer
    try {
      savedBuffer(state, path, text, await documents.write(path, text, revision))
    } catch (err) {
      const error = platformError(err)
      if (error.code === 'conflict') await compare(path)
      else saveFailed(state, path, { code: error.code, message: error.message })
    }
  }

  // Finds out what the file holds instead.
  async function compare(path: string): Promise<void> {
    try {
      conflicted(state, path, await documents.read(path))
    } catch (err) {
      const error = platformError(err)
      saveFailed(state, path, { code: error.code, message: error.message })
      if (error.code === 'not-found') {
        missing(state, path)
        const buffer = state.workspace.buffers[path]
        if (buffer) buffer.revision = '' // the next save makes the file anew
      }
    }
  }

  return {
    touched: (path) => {
      forget(path)
      timers.set(
        path,
        setTimeout(() => void save(path), saveAfter),
      )
    },
    save,
    all: async () => {
      // A file that was deleted elsewhere is not made anew unasked.
      await Promise.all(
        unsaved(state)
          .filter((path) => !state.workspace.buffers[path]?.missing)
          .map(save),
      )
    },
    settled: async () => {
      await Promise.all(saving.values())
    },
    stop: () => {
      for (const path of [...timers.keys()]) forget(path)
    },
  }
}
